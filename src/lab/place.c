/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/place.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "lab/topology.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define PATH_MAXIMUM 4096
#define LOCK_NAME "fedge-lab"

static char *format_path(const char *folder, const char *format, va_list arguments)
{
	struct buffer path;
	buffer_init(&path, PATH_MAXIMUM);
	buffer_printf(&path, "%s/", folder);
	buffer_vprintf(&path, format, arguments);
	char *text = buffer_take(&path);
	buffer_done(&path);
	return text;
}

char *lab_place_path(const struct lab_place *place, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	char *path = format_path(place->folder, format, arguments);
	va_end(arguments);
	return path;
}

/* mkdir -p: every folder on the way. */
static int make_folders(const char *folder)
{
	base_cleanup(free_pointer) char *path = strdup(folder);
	if (!path)
		return -ENOMEM;
	for (char *end = path + 1; *path; end++) {
		if (*end != '/' && *end != '\0')
			continue;
		char kept = *end;
		*end = '\0';
		if (mkdir(path, 0777) < 0 && errno != EEXIST)
			return -errno;
		if (kept == '\0')
			return 0;
		*end = kept;
	}
	return -ENOENT;
}

static bool is_entry(const char *name)
{
	return strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

/* True where there is something in it; ours is told by its lab.json. */
static int check_contents(const struct lab_place *place)
{
	base_cleanup(free_pointer) char *mark = lab_place_path(place, "lab.json");
	if (!mark)
		return -ENOMEM;
	if (access(mark, F_OK) == 0)
		return 0;
	DIR *directory = opendir(place->folder);
	if (!directory)
		return -errno;
	bool holds_things = false;
	for (const struct dirent *entry; (entry = readdir(directory));)
		holds_things = holds_things || is_entry(entry->d_name);
	closedir(directory);
	return holds_things ? -ENOTEMPTY : 0;
}

static int remove_file(const struct lab_place *place, const char *short_name, const char *ending)
{
	base_cleanup(free_pointer) char *path = lab_place_path(place, "%s.%s", short_name, ending);
	if (!path)
		return -ENOMEM;
	return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

/* A log of last time must not prove anything this time, and nobody remembers what was then. */
static int remove_logs(const struct lab_place *place)
{
	static const char *const endings[] = { "log", "json", "out", "sock", "keys", "db", "db-wal", "db-shm",
		"registrations", "registrations-wal", "registrations-shm" };
	for (int id = 0; id < LAB_HOST_COUNT; id++) {
		for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
			int status = remove_file(place, lab_host((enum lab_host_id)id)->short_name, endings[i]);
			if (status < 0)
				return status;
		}
	}
	return 0;
}

static int make_subfolders(const struct lab_place *place)
{
	static const char *const names[] = { "dns", "tls" };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		base_cleanup(free_pointer) char *path = lab_place_path(place, "%s", names[i]);
		if (!path)
			return -ENOMEM;
		if (mkdir(path, 0777) < 0 && errno != EEXIST)
			return -errno;
	}
	return 0;
}

int lab_place_open(struct lab_place *place, const char *folder)
{
	*place = (struct lab_place){ 0 };
	int status = make_folders(folder);
	if (status < 0)
		return status;
	place->folder = realpath(folder, NULL);
	if (!place->folder)
		return -errno;
	status = check_contents(place);
	if (status == 0)
		status = make_subfolders(place);
	if (status == 0)
		status = remove_logs(place);
	if (status < 0)
		lab_place_close(place);
	return status;
}

void lab_place_close(struct lab_place *place)
{
	free(place->folder);
	place->folder = NULL;
}

static int write_whole(int descriptor, struct span bytes)
{
	while (bytes.length) {
		ssize_t written = write(descriptor, bytes.at, bytes.length);
		if (written < 0 && errno != EINTR)
			return -errno;
		if (written > 0)
			bytes = span_from(bytes, (size_t)written);
	}
	return 0;
}

int lab_place_write(const struct lab_place *place, const char *name, mode_t mode, struct span bytes)
{
	base_cleanup(free_pointer) char *path = lab_place_path(place, "%s", name);
	if (!path)
		return -ENOMEM;
	if (unlink(path) < 0 && errno != ENOENT)
		return -errno;
	int descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (descriptor < 0)
		return -errno;
	int status = write_whole(descriptor, bytes);
	if (close(descriptor) < 0 && status == 0)
		status = -errno;
	return status;
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *level)
{
	(void)status;
	(void)kind;
	(void)level;
	return remove(path) < 0 && errno != ENOENT ? -1 : 0;
}

int lab_place_remove(const char *folder)
{
	if (nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS) == 0 || errno == ENOENT)
		return 0;
	return -errno;
}

int lab_place_default(char **ret_folder)
{
	const char *base = getenv("TMPDIR");
	char *folder = NULL;
	struct stat status;
	if (asprintf(&folder, "%s/fedge-lab-%u", base && *base ? base : "/tmp", (unsigned)geteuid()) < 0)
		return -ENOMEM;
	int result = 0;
	/* The folder above may be everybody's: what stands there must be a folder, and our own. */
	if (mkdir(folder, 0700) < 0 && errno != EEXIST)
		result = -errno;
	else if (lstat(folder, &status) < 0)
		result = -errno;
	else if (!S_ISDIR(status.st_mode) || status.st_uid != geteuid())
		result = -EPERM;
	else if (lab_place_remove(folder) < 0 || mkdir(folder, 0700) < 0)
		result = -errno;
	if (result < 0)
		free(folder);
	else
		*ret_folder = folder;
	return result;
}

/* Abstract names (unix(7)) belong to the network namespace, as the ports do that they guard. */
static struct sockaddr_un lock_address(socklen_t *ret_length)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	memcpy(address.sun_path + 1, LOCK_NAME, sizeof(LOCK_NAME) - 1);
	*ret_length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + sizeof(LOCK_NAME));
	return address;
}

static pid_t lock_holder(void)
{
	socklen_t length;
	struct sockaddr_un address = lock_address(&length);
	struct ucred holder = { 0 };
	base_cleanup(close_descriptor) int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (descriptor < 0 || connect(descriptor, (const struct sockaddr *)&address, length) < 0)
		return 0;
	length = sizeof(holder);
	return getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &holder, &length) < 0 ? 0 : holder.pid;
}

int lab_lock_take(int *ret_lock, pid_t *ret_holder)
{
	socklen_t length;
	struct sockaddr_un address = lock_address(&length);
	int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (descriptor < 0)
		return -errno;
	if (bind(descriptor, (const struct sockaddr *)&address, length) < 0 || listen(descriptor, 64) < 0) {
		int status = errno == EADDRINUSE ? -EBUSY : -errno;
		close(descriptor);
		if (status == -EBUSY)
			*ret_holder = lock_holder();
		return status;
	}
	*ret_lock = descriptor;
	return 0;
}
