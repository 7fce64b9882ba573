/* SPDX-License-Identifier: Apache-2.0 */
/* Passwords that stand in files of their own. No message shows one. */
#include "base/cleanup.h"
#include "config/check.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define PASSWORD_MAXIMUM 1024u

static ssize_t read_start(const char *path, char *ret_text, size_t room)
{
	/* Without O_NONBLOCK a named pipe would hold us up. */
	base_cleanup(close_descriptor) int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat status;
	if (descriptor < 0 || fstat(descriptor, &status) < 0 || !S_ISREG(status.st_mode))
		return -1;
	ssize_t got;
	do
		got = read(descriptor, ret_text, room);
	while (got < 0 && errno == EINTR);
	return got;
}

/* That a file cannot be read has been said where its name was bound. */
static void read_password(
	struct bind_context *c, const struct document_node *mapping, struct span path, struct span *password)
{
	char text[PASSWORD_MAXIMUM + 2]; /* and its line's end */
	if (!c->check_files || !path.at || password->at)
		return;
	ssize_t got = read_start(path.at, text, sizeof(text));
	if (got < 0)
		return;
	struct span line = span_make(text, (size_t)got);
	line = span_first(line, span_find(line, '\n'));
	if (line.length && line.at[line.length - 1] == '\r')
		line.length--;
	if (!line.length || line.length > PASSWORD_MAXIMUM || span_find(line, '\0') < line.length)
		config_error(c->report, config_place_of(mapping, "password_file"),
			"the first line of `%s` is no password: 1 to %u characters", config_shown(path).text,
			PASSWORD_MAXIMUM);
	else
		*password = arena_copy(c->arena, line);
	explicit_bzero(text, sizeof(text));
}

void config_complete_secrets(struct bind_context *c, const struct document_node *root, struct config_node *node)
{
	struct config_zone *zones = OPENED(struct config_zone, node->zones);
	for (size_t i = 0; i < node->zone_count; i++)
		read_password(
			c, document_at(document_find(root, "zones"), i), zones[i].password_file, &zones[i].password);
	struct config_user *users = OPENED(struct config_user, node->users);
	const struct document_item *item = config_items(document_find(root, "users"));
	for (size_t i = 0; i < node->user_count && item; i++, item = item->next)
		read_password(c, item->value, users[i].password_file, &users[i].password);
}
