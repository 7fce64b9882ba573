/* SPDX-License-Identifier: Apache-2.0 */
/* Our own certificates: which one is shown to whom, files that are wrong, files that change. */
#include "certificates.h"
#include "net_test.h"

#include <fcntl.h>
#include <openssl/ssl.h>
#include <sys/stat.h>

static struct authority_set authorities;

static const char *file(const char *name)
{
	return folder_file(&authorities.folder, name);
}

static void assert_shown(const struct end *end, const char *common_name)
{
	char name[100] = "";
	const struct net_tls_facts *facts = net_stream_tls_facts(end->stream);
	assert_non_null(facts->chain);
	X509_NAME_get_text_by_NID(X509_get_subject_name(sk_X509_value(facts->chain, 0)), NID_commonName, name, 100);
	assert_string_equal(name, common_name);
}

static struct net_tls *tls_make(const struct net_tls_settings *settings)
{
	char text[NET_TLS_ERROR_SIZE];
	struct net_tls *tls = NULL;
	if (net_tls_new(settings, &tls, text) < 0)
		fail_msg("%s", text);
	return tls;
}

static void open_again(struct scene *scene)
{
	if (scene->client.stream) {
		net_stream_close(scene->client.stream);
		scene_until(scene, scene->client.closed && scene->server.closed);
	}
	scene_again(scene);
	scene_connect(scene);
	scene_until(scene, (scene->client.confirmed && scene->server.opened) || scene->client.closed);
	assert_int_equal(scene->client.closed, 0);
}

static void handshake(struct scene *scene)
{
	open_again(scene);
	scene_run(scene, 300000); /* for the ticket, which only those get who stay */
}

/* ---- which one is shown ---- */

static void the_name_asked_for_chooses(void **state)
{
	static const struct {
		const char *asked; /* NULL: no SNI */
		const char *shown;
		const char *identity;
	} cases[] = {
		{ "one.example", "one.example", "one.example" },
		{ "two.example", "two.example", "two.example" },
		{ "TWO.Example", "two.example", "two.example" },
		{ "alias.example", "two.example", "two.example" },
		{ "any.three.example", "three.example", "three.example" },
		{ "exact.three.example", "two.example", "two.example" },
		{ "a.b.three.example", "one.example", "one.example" },
		{ "three.example", "three.example", "three.example" },
		{ "elsewhere.example", "one.example", "one.example" },
		{ "127.0.0.1", "one.example", "one.example" },
		{ NULL, "one.example", "one.example" },
	};
	const char *one[] = { "one.example" }, *two[] = { "two.example", "alias.example", "exact.three.example" };
	const char *three[] = { "three.example", "*.three.example" };
	struct net_tls_identity identities[] = {
		{ one, 1, file("one.pem"), file("one.key"), NULL, NULL },
		{ two, 3, file("two.pem"), file("two.key"), file("three.pem"), file("three.key") },
		{ three, 2, file("three.pem"), file("three.key"), NULL, NULL },
	};
	struct net_tls_settings settings = { .identities = identities,
		.identity_count = 3,
		.authority_files = &authorities.root_file,
		.authority_count = 1,
		.client_certificate = NET_TLS_ASK_REQUIRE };
	struct scene scene;
	struct net_tls *tls = tls_make(&settings);
	(void)state;
	scene_start(&scene);
	scene.listen.tls = scene.connect.tls = tls;
	scene_listen(&scene);
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		print_message("%s\n", cases[i].asked ? cases[i].asked : "(none)");
		scene.connect.server_name = cases[i].asked;
		open_again(&scene);
		assert_shown(&scene.client, cases[i].shown);
		assert_string_equal(net_stream_tls_facts(scene.server.stream)->identity, cases[i].identity);
		assert_shown(&scene.server, "one.example"); /* the first is shown by a client that names none */
	}
	/* As a client: the identity named, with its client certificate where it has one. */
	scene.connect.identity = "alias.example";
	open_again(&scene);
	assert_shown(&scene.server, "three.example");
	scene.connect.identity = "three.example";
	open_again(&scene);
	assert_shown(&scene.server, "three.example");
	scene.connect.identity = "unknown.example";
	struct net_stream *stream;
	assert_int_equal(net_stream_connect(scene.loop, &scene.connect, &stream), -ENOENT);
	scene_stop(&scene);
	net_tls_unref(tls);
}

static void nobody_listens_without_an_identity(void **state)
{
	struct scene scene;
	struct net_tls_settings settings = { 0 };
	struct net_listener *listener;
	(void)state;
	scene_start(&scene);
	scene.listen.tls = tls_make(&settings);
	assert_int_equal(net_listener_open(scene.loop, &scene.listen, &listener), -ENOENT);
	net_tls_unref(scene.listen.tls);
	scene_stop(&scene);
}

static void visit_own(void *argument, const struct net_tls_own *own)
{
	char *text = argument;
	size_t used = strlen(text);
	assert_non_null(own->certificate);
	snprintf(text + used, 200 - used, "%s%s ", own->name, own->client ? "/client" : "");
}

static void own_certificates_are_listed(void **state)
{
	char text[200] = "";
	const char *one[] = { "one.example" }, *two[] = { "two.example" };
	struct net_tls_identity identities[] = {
		{ one, 1, file("one.pem"), file("one.key"), NULL, NULL },
		{ two, 1, file("two.pem"), file("two.key"), file("three.pem"), file("three.key") },
	};
	struct net_tls_settings settings = { .identities = identities, .identity_count = 2 };
	struct net_tls *tls = tls_make(&settings);
	(void)state;
	net_tls_each_own(tls, visit_own, text);
	assert_string_equal(text, "one.example two.example two.example/client ");
	net_tls_unref(tls);
}

/* ---- files that are wrong ---- */

static void errors_name_the_file(void **state)
{
	static const struct {
		const char *title, *certificate, *key, *authority, *keylog;
		int status;
		const char *file; /* that the text must name */
		const char *words;
	} cases[] = {
		{ "good", "one.pem", "one.key", "root.pem", NULL, 0, "", "" },
		{ "no such certificate", "absent.pem", "one.key", "root.pem", NULL, -ENOENT, "absent.pem",
			"cannot be read" },
		{ "no such key", "one.pem", "absent.key", "root.pem", NULL, -ENOENT, "absent.key", "cannot be read" },
		{ "the key of another", "one.pem", "two.key", "root.pem", NULL, -EKEYREJECTED, "two.key",
			"does not match" },
		{ "no PEM", "text.pem", "one.key", "root.pem", NULL, -EBADMSG, "text.pem", "no certificate" },
		{ "a damaged certificate", "damaged.pem", "one.key", "root.pem", NULL, -EBADMSG, "damaged.pem",
			"damaged" },
		{ "a key that is a certificate", "one.pem", "one.pem", "root.pem", NULL, -EBADMSG, "one.pem",
			"private key" },
		{ "no such authority", "one.pem", "one.key", "absent.pem", NULL, -ENOENT, "absent.pem",
			"cannot be read" },
		{ "an authority that is none", "one.pem", "one.key", "text.pem", NULL, -EBADMSG, "text.pem",
			"no certificate" },
		{ "a folder", "one.pem", "one.key", ".", NULL, -EBADMSG, "", "" },
		{ "a key log that cannot be", "one.pem", "one.key", "root.pem", "no/such/keys.log", -ENOENT, "keys.log",
			"key log" },
		{ "expired, used all the same", "expired.pem", "expired.key", "root.pem", NULL, 0, "expired.pem",
			"expired on" },
		{ "early, used all the same", "early.pem", "early.key", "root.pem", NULL, 0, "early.pem",
			"not valid before" },
	};
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		char text[NET_TLS_ERROR_SIZE] = "";
		struct net_tls *tls = NULL;
		const char *authority = file(cases[i].authority);
		struct net_tls_identity identity = { NULL, 0, file(cases[i].certificate), file(cases[i].key), NULL,
			NULL };
		struct net_tls_settings settings = { .identities = &identity,
			.identity_count = 1,
			.authority_files = &authority,
			.authority_count = 1,
			.keylog_file = cases[i].keylog ? file(cases[i].keylog) : NULL };
		int status = net_tls_new(&settings, &tls, text);
		print_message("%s: %s\n", cases[i].title, text);
		assert_int_equal(status, cases[i].status);
		assert_int_equal(tls == NULL, status < 0);
		assert_non_null(strstr(text, cases[i].file));
		assert_non_null(strstr(text, cases[i].words));
		assert_null(strchr(text, '\n'));
		net_tls_unref(tls);
	}
}

/* ---- files that change ---- */

struct reloads {
	int count, status;
	char text[NET_TLS_ERROR_SIZE];
};

static void reloaded(void *argument, int status, const char *text)
{
	struct reloads *reloads = argument;
	reloads->count++;
	reloads->status = status;
	snprintf(reloads->text, sizeof(reloads->text), "%s", text);
}

static void a_certificate_is_swapped_under_a_live_connection(void **state)
{
	struct scene scene;
	struct reloads reloads = { 0 };
	struct net_tls_watch *watch;
	authorities_host(&authorities, "live", (struct wish){ .name = "old.example" }, false);
	struct net_tls_identity identity = { NULL, 0, file("live.pem"), file("live.key"), NULL, NULL };
	struct net_tls_settings settings = { .identities = &identity, .identity_count = 1 };
	struct net_tls *tls = tls_make(&settings);
	struct net_tls *client = tls_make(&(struct net_tls_settings){ .tickets_off = true });
	(void)state;
	scene_start(&scene);
	scene.listen.tls = tls;
	scene.connect.tls = client;
	scene_listen(&scene);
	assert_int_equal(net_tls_watch_new(scene.loop, tls, 20000, reloaded, &reloads, &watch), 0);
	scene.server.echo = true;
	scene_connect(&scene);
	scene_until(&scene, scene.client.confirmed);
	assert_shown(&scene.client, "old.example");
	assert_int_equal(net_tls_generation(tls), 1);

	/* A certificate without its key yet: what was in use stays, and it is said once. */
	folder_text(&authorities.folder, "live.key", "not a key\n");
	scene_until(&scene, reloads.count == 1);
	assert_int_equal(reloads.status, -EBADMSG);
	assert_non_null(strstr(reloads.text, "live.key"));
	scene_run(&scene, 100000);
	assert_int_equal(reloads.count, 1);
	assert_int_equal(net_tls_generation(tls), 1);

	authorities_host(&authorities, "live", (struct wish){ .name = "new.example" }, false);
	scene_until(&scene, reloads.count == 2);
	assert_int_equal(reloads.status, 0);
	assert_int_equal(net_tls_generation(tls), 2);

	/* The old connection goes on; a new one sees the new certificate. */
	assert_int_equal(end_say(&scene.client, "still here"), 0);
	scene_until(&scene, scene.client.received.length == 10);
	assert_int_equal(net_stream_tls_facts(scene.server.stream)->generation, 1);
	struct end old_server = scene.server, old_client = scene.client;
	net_stream_set_events(old_server.stream, &end_events, &old_server);
	net_stream_set_events(old_client.stream, &end_events, &old_client);
	end_init(&scene.server);
	end_init(&scene.client);
	scene_connect(&scene);
	scene_until(&scene, scene.client.confirmed);
	assert_shown(&scene.client, "new.example");
	assert_int_equal(end_say(&old_client, ", and on"), 0);
	scene_until(&scene, old_client.received.length == 18);
	assert_shown(&old_client, "old.example");
	net_tls_watch_free(watch);
	scene_stop(&scene);
	end_done(&old_server);
	end_done(&old_client);
	net_tls_unref(tls);
	net_tls_unref(client);
}

static void a_change_of_trust_ends_resumption(void **state)
{
	struct scene scene;
	char text[NET_TLS_ERROR_SIZE];
	const char *trusted[] = { authorities.root_file, authorities.stranger_file };
	struct net_tls_identity identity = { NULL, 0, file("one.pem"), file("one.key"), NULL, NULL };
	struct net_tls_settings settings = { .identities = &identity,
		.identity_count = 1,
		.authority_files = trusted,
		.authority_count = 1,
		.client_certificate = NET_TLS_ASK_REQUIRE };
	struct net_tls *tls = tls_make(&settings), *client = tls_make(&settings);
	(void)state;
	scene_start(&scene);
	scene.listen.tls = tls;
	scene.connect.tls = client;
	scene_listen(&scene);
	handshake(&scene);
	handshake(&scene);
	assert_true(net_stream_tls_facts(scene.server.stream)->resumed);
	/* The same files again: nothing changes for those who come back. */
	assert_int_equal(net_tls_reload(tls, text), 0);
	handshake(&scene);
	assert_true(net_stream_tls_facts(scene.server.stream)->resumed);
	assert_int_equal(net_stream_tls_facts(scene.server.stream)->generation, 2);
	settings.authority_count = 2;
	assert_int_equal(net_tls_replace(tls, &settings, text), 0);
	handshake(&scene);
	assert_false(net_stream_tls_facts(scene.server.stream)->resumed);
	handshake(&scene);
	assert_true(net_stream_tls_facts(scene.server.stream)->resumed);
	scene_stop(&scene);
	net_tls_unref(tls);
	net_tls_unref(client);
}

static void ticket_keys_grow_old(void **state)
{
	static const struct {
		int64_t after_us;
		bool resumed;
	} cases[] = {
		{ INT64_C(3600) * 1000000, true },
		{ INT64_C(5) * 3600 * 1000000, true }, /* the key before still opens it */
		{ INT64_C(9) * 3600 * 1000000, false },
	};
	struct clock_fake fake = { .wall_us = 1, .steady_us = 1 };
	struct clock clock = clock_of_fake(&fake);
	struct net_tls_identity identity = { NULL, 0, file("one.pem"), file("one.key"), NULL, NULL };
	struct net_tls_settings settings = { .identities = &identity, .identity_count = 1, .clock = &clock };
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct scene scene;
		struct net_tls *tls = tls_make(&settings), *client = tls_make(&settings);
		scene_start(&scene);
		scene.listen.tls = tls;
		scene.connect.tls = client;
		scene_listen(&scene);
		handshake(&scene);
		clock_fake_advance(&fake, cases[i].after_us);
		handshake(&scene);
		assert_int_equal(net_stream_tls_facts(scene.server.stream)->resumed, cases[i].resumed);
		scene_stop(&scene);
		net_tls_unref(tls);
		net_tls_unref(client);
	}
}

static void keys_are_logged_for_captures(void **state)
{
	struct scene scene;
	struct stat found;
	char line[600];
	int lines = 0;
	struct net_tls_identity identity = { NULL, 0, file("one.pem"), file("one.key"), NULL, NULL };
	struct net_tls_settings settings = {
		.identities = &identity, .identity_count = 1, .keylog_file = file("keys.log")
	};
	struct net_tls *tls = tls_make(&settings);
	(void)state;
	scene_start(&scene);
	scene.listen.tls = scene.connect.tls = tls;
	scene_listen(&scene);
	open_again(&scene);
	scene_stop(&scene);
	net_tls_unref(tls);
	assert_int_equal(stat(file("keys.log"), &found), 0);
	assert_int_equal(found.st_mode & 0777, 0600);
	FILE *log = fopen(file("keys.log"), "r");
	assert_non_null(log);
	while (fgets(line, sizeof(line), log)) {
		lines++;
		assert_non_null(strstr(line, "_TRAFFIC_SECRET") ? line : strstr(line, "EXPORTER_SECRET"));
		assert_int_equal(line[strlen(line) - 1], '\n');
	}
	fclose(log);
	assert_int_equal(lines, 10); /* five secrets, both ends */
}

static int make_all(void **state)
{
	(void)state;
	authorities_make(&authorities);
	authorities_host(&authorities, "one", (struct wish){ .name = "one.example" }, false);
	authorities_host(&authorities, "two", (struct wish){ .name = "two.example" }, false);
	authorities_host(&authorities, "three", (struct wish){ .name = "three.example" }, false);
	authorities_host(&authorities, "expired",
		(struct wish){ .name = "one.example", .from_s = -864000, .to_s = -86400 }, false);
	authorities_host(
		&authorities, "early", (struct wish){ .name = "one.example", .from_s = 86400, .to_s = 864000 }, false);
	folder_text(&authorities.folder, "text.pem", "this is no certificate\n");
	folder_text(&authorities.folder, "damaged.pem",
		"-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgI\n-----END CERTIFICATE-----\n");
	return 0;
}

static int remove_all(void **state)
{
	(void)state;
	authorities_free(&authorities);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_name_asked_for_chooses),
		cmocka_unit_test(nobody_listens_without_an_identity),
		cmocka_unit_test(own_certificates_are_listed),
		cmocka_unit_test(errors_name_the_file),
		cmocka_unit_test(a_certificate_is_swapped_under_a_live_connection),
		cmocka_unit_test(a_change_of_trust_ends_resumption),
		cmocka_unit_test(ticket_keys_grow_old),
		cmocka_unit_test(keys_are_logged_for_captures),
	};
	return cmocka_run_group_tests(tests, make_all, remove_all);
}
