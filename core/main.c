/* SPDX-License-Identifier: GPL-2.0-or-later */

/* argv -> one of the commands. What a command prints goes to stdout, why it failed to stderr. */

#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>

#include "config/config.h"
#include "core/auditor.h"
#include "core/auditor_policy.h"
#include "core/base/log.h"
#include "core/books.h"
#include "core/builtin.h"
#include "core/check_host.h"
#include "core/diag.h"
#include "core/exit.h"
#include "core/policy/footprint.h"
#include "core/policy/landlock.h"
#include "core/policy/worker.h"
#include "core/replay.h"
#include "core/rule_test.h"
#include "core/source/xdp.h"
#include "core/trial.h"
#include "core/web_file.h"
#include "version.h"

#define SETTINGS_MAX 64

/* What the command `config` prints. */
enum view {
	VIEW_NONE,
	VIEW_EFFECTIVE,
	VIEW_DEFAULTS,
	VIEW_SCHEMA,
	VIEW_REFERENCE,
	VIEW_KEYS,
};

struct arguments {
	const char *config_path;
	const char *against; /* check's other config, or NULL */
	const char *settings[SETTINGS_MAX];
	size_t setting_count;
	enum xa_log_level log_level;
	enum xa_log_format log_format;
	enum view view;
	enum xa_markup markup;
	bool origins;
	bool json;
	const char *const *operands;
	size_t operand_count;
};

static const char usage[] =
	"usage: xdp-auditor [run] -c PATH [--set KEY=VALUE]... [--log-level LEVEL] [--log-format "
	"FORMAT]\n"
	"       xdp-auditor check -c PATH [--against PATH] [--set KEY=VALUE]...\n"
	"       xdp-auditor replay -c PATH [--set KEY=VALUE]... CAPTURE\n"
	"       xdp-auditor test FILE...\n"
	"       xdp-auditor config --effective [--origins] [-c PATH] [--set KEY=VALUE]...\n"
	"       xdp-auditor config --defaults | --schema | --reference[=MARKUP] | --keys\n"
	"       xdp-auditor diag [-c PATH] [--set KEY=VALUE]... [--json] [INTERFACE]\n"
	"       xdp-auditor --version | --help\n"
	"\n"
	"Counts every packet of a network interface per flow with XDP and serves the flows to\n"
	"Prometheus. See xdp-auditor(8).\n"
	"\n"
	"  -c, --config PATH     configuration: a YAML file, or a directory of *.yaml\n"
	"      --set KEY=VALUE   overrides a key of it, such as flows.max=65536; may be repeated\n"
	"      --against PATH    check: what a reload would change of that one; - is standard "
	"input\n"
	"      --log-level       error, warn, info (default) or debug\n"
	"      --log-format      logfmt (default) or json\n"
	"      --effective       prints the configuration as it is in force, defaults included\n"
	"      --origins         with --effective: and where each value stands\n"
	"      --defaults        prints all keys with their defaults and what they mean\n"
	"      --schema          prints the JSON Schema of a configuration, for editors\n"
	"      --reference       prints the manual of all keys: markdown (default) or scdoc\n"
	"      --keys            prints all keys, one a line\n"
	"      --json            diag: prints JSON instead of a table\n";

XA_PRINTF(1, 2) static int usage_error(const char *format, ...)
{
	va_list args;

	(void)fputs("xdp-auditor: ", stderr);
	va_start(args, format);
	(void)vfprintf(stderr, format, args);
	va_end(args);
	(void)fputs(" (xdp-auditor --help lists the commands)\n", stderr);
	return XA_EXIT_USAGE;
}

/* Prints to stdout; a full disk or a closed pipe is a failure. */
static int print(struct xa_buf *buf)
{
	if (xa_buf_failed(buf) || (buf->text && fputs(buf->text, stdout) == EOF) ||
	    fflush(stdout)) {
		(void)fputs("xdp-auditor: cannot write the output\n", stderr);
		return XA_EXIT_FAILURE;
	}
	return XA_EXIT_OK;
}

/* Reasons with a place as a compiler's, others as the program's. */
static void print_whys(const struct xa_whys *whys, int error)
{
	_cleanup_xa_buf_ struct xa_buf text = {0};

	for (size_t i = 0; i < whys->count && i < XA_WHYS_MAX; i++) {
		if (whys->why[i].file[0])
			xa_why_print(&whys->why[i], &text);
		else
			xa_buf_addf(&text, "xdp-auditor: %s\n", whys->why[i].text);
	}
	if (!whys->count)
		xa_buf_addf(&text, "xdp-auditor: %s\n", strerror(-error));
	(void)fputs(text.text ? text.text : "xdp-auditor: out of memory\n", stderr);
}

/* Why a config was not loaded, if it was not. */
static int load_status(int error, const struct xa_whys *whys)
{
	_cleanup_xa_buf_ struct xa_buf text = {0};

	if (!error)
		return XA_EXIT_OK;
	xa_whys_print(whys, &text);
	(void)fputs(text.text ? text.text : "xdp-auditor: out of memory\n", stderr);
	return XA_EXIT_CONFIG;
}

static int config_load(const struct arguments *arguments, struct xa_config **ret_config)
{
	struct xa_whys whys = {0};
	int error = xa_config_load(ret_config, arguments->config_path, arguments->settings,
				   arguments->setting_count, &whys);

	return load_status(error, &whys);
}

static int run_run(const struct arguments *arguments)
{
	struct xa_config_source source = {
		.path = arguments->config_path,
		.settings = arguments->settings,
		.setting_count = arguments->setting_count,
	};

	if (arguments->operand_count)
		return usage_error("run takes no '%s'", arguments->operands[0]);
	if (!arguments->config_path)
		return usage_error("run needs -c PATH");
	if (!xa_landlock_version())
		xa_log_info("no Landlock here (before 5.13, or not in lsm=): while plugins are "
			    "opened, they can read all files that this user can");
	return xa_auditor_run(&source);
}

static double mebibytes(uint64_t bytes)
{
	return (double)bytes / (1 << 20);
}

static void add_footprint(struct xa_buf *text, const struct xa_config *config)
{
	const struct xa_footprint footprint = xa_footprint_of(config);

	xa_buf_addf(
		text,
		"memory for the policy: up to %.1f MiB in the daemon and %.1f MiB for each derived "
		"metric, %.1f MiB shared with the worker, %.1f MiB in the worker\n",
		mebibytes(footprint.daemon_bytes), mebibytes(footprint.metric_bytes),
		mebibytes(footprint.shared_bytes), mebibytes(footprint.worker_bytes));
}

static void add_hash(const struct xa_config *config, struct xa_buf *text)
{
	char hash[XA_CONFIG_HASH_BYTES];

	if (xa_config_hash(config, hash))
		text->failed = true;
	else
		xa_buf_addf(text, "sha256 of the effective configuration: %s\n", hash);
}

static void add_changes(const struct xa_config *old, const struct xa_config *config,
			struct xa_buf *text)
{
	const size_t len = text->len;

	xa_config_diff_effects(old, config, text);
	if (text->len == len)
		xa_buf_adds(text, "a reload would change nothing\n");
}

/* `old`: what it is held against, or NULL. */
static int print_check(const struct arguments *arguments, const struct xa_config *config,
		       const struct xa_config *old)
{
	_cleanup_xa_buf_ struct xa_buf text = {0};
	struct xa_xdp_options options = {
		.max_flows = config->flows.max,
		.percpu = config->flows.percpu == XA_ON,
	};
	struct xa_why why = {0};
	int error, status;

	xa_buf_addf(&text, "%s: ok\n", arguments->config_path);
	xa_buf_addf(&text,
		    "memory for %u flows: %.1f MiB in the kernel, up to %.1f MiB in the daemon\n",
		    config->flows.max, mebibytes(xa_xdp_memory_bytes(&options)),
		    mebibytes(xa_books_memory_bytes(config)));
	if (config->policy.stage_count)
		add_footprint(&text, config);
	add_hash(config, &text);
	error = xa_check_host(config, &text, &why);
	if (old)
		add_changes(old, config, &text);
	status = print(&text);
	if (!error)
		return status;
	(void)fprintf(stderr, "xdp-auditor: %s\n", why.text[0] ? why.text : strerror(-error));
	return XA_EXIT_FAILURE;
}

/* What the server would refuse to start with. */
static int check_web(const struct xa_config *config)
{
	_cleanup_xa_web_ struct xa_web *web = NULL;
	struct xa_whys whys = {0};

	return load_status(xa_web_load(&web, config, &whys), &whys);
}

/* What they say is shown too: it may tell why they fail. */
static int check_stages(const struct xa_config *config)
{
	struct xa_whys whys = {0};
	int error = xa_trial_run(config, &xa_policy_loggers, &whys);

	if (!error)
		return XA_EXIT_OK;
	print_whys(&whys, error);
	return error == -EINVAL ? XA_EXIT_CONFIG : XA_EXIT_FAILURE;
}

/* Settings are the new config's alone: what is served by a daemon has its own in it already. */
static int old_load(const struct arguments *arguments, struct xa_config **ret_config)
{
	struct xa_whys whys = {0};
	int error = 0;

	if (arguments->against && strcmp(arguments->against, "-"))
		error = xa_config_load(ret_config, arguments->against, NULL, 0, &whys);
	else if (arguments->against)
		error = xa_config_load_stdin(ret_config, &whys);
	return load_status(error, &whys);
}

static int run_check(const struct arguments *arguments)
{
	_cleanup_xa_config_ struct xa_config *config = NULL, *old = NULL;
	int status;

	if (arguments->operand_count)
		return usage_error("check takes no '%s'", arguments->operands[0]);
	if (!arguments->config_path)
		return usage_error("check needs -c PATH");
	status = config_load(arguments, &config);
	if (status == XA_EXIT_OK)
		status = check_web(config);
	if (status == XA_EXIT_OK)
		status = old_load(arguments, &old);
	if (status == XA_EXIT_OK)
		status = check_stages(config);
	if (status == XA_EXIT_OK)
		status = print_check(arguments, config, old);
	return status;
}

static int run_replay(const struct arguments *arguments)
{
	_cleanup_xa_config_ struct xa_config *config = NULL;
	_cleanup_xa_buf_ struct xa_buf text = {0};
	struct xa_whys whys = {0};
	int status, error;

	if (arguments->operand_count != 1)
		return usage_error("replay takes one capture file");
	status = config_load(arguments, &config);
	if (status != XA_EXIT_OK)
		return status;
	error = xa_replay(config, arguments->operands[0], &text, &whys);
	status = print(&text);
	if (error)
		print_whys(&whys, error);
	return error ? XA_EXIT_FAILURE : status;
}

/* Tests of one file: its outcome to stdout, its mistakes to stderr. */
static int test_file(const char *path, struct xa_rule_tally *tally)
{
	_cleanup_xa_buf_ struct xa_buf text = {0}, mistakes = {0};
	struct xa_whys whys = {0};
	const int error = xa_rule_test(path, &text, tally, &whys);
	int status = print(&text);

	if (!error)
		return status;
	xa_whys_print(&whys, &mistakes);
	if (error == -ENOMEM || xa_buf_failed(&mistakes))
		(void)fputs("xdp-auditor: out of memory\n", stderr);
	else if (mistakes.text)
		(void)fputs(mistakes.text, stderr);
	return error == -ENOMEM ? XA_EXIT_FAILURE : XA_EXIT_CONFIG;
}

static int run_test(const struct arguments *arguments)
{
	_cleanup_xa_buf_ struct xa_buf text = {0};
	struct xa_rule_tally tally = {0};
	int status = XA_EXIT_OK, printed;

	if (!arguments->operand_count)
		return usage_error("test takes files of tests");
	if (arguments->config_path || arguments->setting_count)
		return usage_error("test takes no -c and no --set: its files name the stages");
	for (size_t i = 0; i < arguments->operand_count; i++) {
		const int file = test_file(arguments->operands[i], &tally);

		status = file > status ? file : status;
	}
	xa_buf_addf(&text, "%zu passed, %zu failed\n", tally.passed, tally.failed);
	printed = print(&text);
	if (status == XA_EXIT_OK)
		status = tally.failed ? XA_EXIT_FAILURE : printed;
	return status;
}

static void view_add(const struct arguments *arguments, const struct xa_config *config,
		     struct xa_buf *text)
{
	if (arguments->view == VIEW_SCHEMA)
		xa_config_schema(text);
	else if (arguments->view == VIEW_REFERENCE)
		xa_config_reference(arguments->markup, text);
	else if (arguments->view == VIEW_KEYS)
		xa_config_keys(text);
	else if (arguments->origins)
		xa_config_dump_origins(config, text);
	else
		xa_config_dump(config, arguments->view == VIEW_DEFAULTS, text);
}

static int run_config(const struct arguments *arguments)
{
	_cleanup_xa_config_ struct xa_config *config = NULL;
	_cleanup_xa_buf_ struct xa_buf text = {0};
	const bool effective = arguments->view == VIEW_EFFECTIVE;
	int status;

	if (arguments->operand_count)
		return usage_error("config takes no '%s'", arguments->operands[0]);
	if (arguments->view == VIEW_NONE)
		return usage_error("config takes --effective or another of its options");
	if (!effective &&
	    (arguments->config_path || arguments->setting_count || arguments->origins))
		return usage_error("-c, --set and --origins go with config --effective alone");
	status = config_load(arguments, &config);
	if (status != XA_EXIT_OK)
		return status;
	view_add(arguments, config, &text);
	return print(&text);
}

static int run_diag(const struct arguments *arguments)
{
	_cleanup_xa_config_ struct xa_config *config = NULL;
	_cleanup_xa_buf_ struct xa_buf text = {0};
	bool passed;
	int status, error;

	if (arguments->operand_count > 1)
		return usage_error("diag takes one interface");
	status = config_load(arguments, &config);
	if (status != XA_EXIT_OK)
		return status;
	error = xa_diag(config, arguments->operand_count ? arguments->operands[0] : NULL,
			arguments->json, &text, &passed);
	if (error) {
		(void)fprintf(stderr, "xdp-auditor: %s\n", strerror(-error));
		return XA_EXIT_FAILURE;
	}
	status = print(&text);
	return passed ? status : XA_EXIT_FAILURE;
}

/* Not for people: the auditor starts it. */
static int run_policy_worker(const struct arguments *arguments)
{
	if (arguments->operand_count)
		return usage_error("policy-worker takes no '%s'", arguments->operands[0]);
	if (!xa_worker_is_wanted())
		return usage_error("policy-worker is started by the auditor alone");
	return xa_worker_main(xa_builtin, xa_builtin_count);
}

static const struct {
	const char *name;
	int (*run)(const struct arguments *arguments);
} commands[] = {
	{"run", run_run},
	{"check", run_check},
	{"replay", run_replay},
	{"test", run_test},
	{"config", run_config},
	{"diag", run_diag},
	{"policy-worker", run_policy_worker},
};

enum option_id {
	OPTION_CONFIG = 'c',
	OPTION_HELP = 'h',
	OPTION_VERSION = 'V',
	OPTION_SET = 256,
	OPTION_AGAINST,
	OPTION_LOG_LEVEL,
	OPTION_LOG_FORMAT,
	OPTION_EFFECTIVE,
	OPTION_ORIGINS,
	OPTION_DEFAULTS,
	OPTION_SCHEMA,
	OPTION_REFERENCE,
	OPTION_KEYS,
	OPTION_JSON,
};

static const struct option options[] = {
	{"config", required_argument, NULL, OPTION_CONFIG},
	{"set", required_argument, NULL, OPTION_SET},
	{"against", required_argument, NULL, OPTION_AGAINST},
	{"log-level", required_argument, NULL, OPTION_LOG_LEVEL},
	{"log-format", required_argument, NULL, OPTION_LOG_FORMAT},
	{"effective", no_argument, NULL, OPTION_EFFECTIVE},
	{"origins", no_argument, NULL, OPTION_ORIGINS},
	{"defaults", no_argument, NULL, OPTION_DEFAULTS},
	{"schema", no_argument, NULL, OPTION_SCHEMA},
	{"reference", optional_argument, NULL, OPTION_REFERENCE},
	{"keys", no_argument, NULL, OPTION_KEYS},
	{"json", no_argument, NULL, OPTION_JSON},
	{"help", no_argument, NULL, OPTION_HELP},
	{"version", no_argument, NULL, OPTION_VERSION},
	{0},
};

static int setting_add(struct arguments *arguments, const char *setting)
{
	if (arguments->setting_count == SETTINGS_MAX)
		return usage_error("too many --set, the first over the limit is '%s'", setting);
	arguments->settings[arguments->setting_count++] = setting;
	return XA_EXIT_OK;
}

static int view_set(struct arguments *arguments, enum view view)
{
	if (arguments->view != VIEW_NONE && arguments->view != view)
		return usage_error("config prints one thing at a time");
	arguments->view = view;
	return XA_EXIT_OK;
}

static int reference_set(struct arguments *arguments, const char *markup)
{
	for (unsigned i = 0; i < XA_MARKUP_COUNT_; i++) {
		if (markup && strcmp(markup, xa_markup_names[i]) != 0)
			continue;
		arguments->markup = i;
		return view_set(arguments, VIEW_REFERENCE);
	}
	return usage_error("no markup '%s'", markup);
}

static int path_set(const char **path, const char *option)
{
	if (*path)
		return usage_error("%s twice; a directory may hold several files", option);
	*path = optarg;
	return XA_EXIT_OK;
}

static int option_take(struct arguments *arguments, int id)
{
	switch (id) {
	case OPTION_CONFIG:
		return path_set(&arguments->config_path, "-c");
	case OPTION_AGAINST:
		return path_set(&arguments->against, "--against");
	case OPTION_SET:
		return setting_add(arguments, optarg);
	case OPTION_EFFECTIVE:
		return view_set(arguments, VIEW_EFFECTIVE);
	case OPTION_ORIGINS:
		arguments->origins = true;
		return XA_EXIT_OK;
	case OPTION_DEFAULTS:
		return view_set(arguments, VIEW_DEFAULTS);
	case OPTION_SCHEMA:
		return view_set(arguments, VIEW_SCHEMA);
	case OPTION_REFERENCE:
		return reference_set(arguments, optarg);
	case OPTION_KEYS:
		return view_set(arguments, VIEW_KEYS);
	case OPTION_JSON:
		arguments->json = true;
		return XA_EXIT_OK;
	case OPTION_LOG_LEVEL:
		if (xa_log_level_parse(optarg, &arguments->log_level))
			return usage_error("no log level '%s'", optarg);
		return XA_EXIT_OK;
	case OPTION_LOG_FORMAT:
		if (xa_log_format_parse(optarg, &arguments->log_format))
			return usage_error("no log format '%s'", optarg);
		return XA_EXIT_OK;
	default:
		return usage_error("that option is not known");
	}
}

/* -1: the arguments are read; else an exit code, reached already by --help, --version or an error.
 */
static int arguments_read(struct arguments *arguments, int argc, char **argv)
{
	int id;

	while ((id = getopt_long(argc, argv, "c:hV", options, NULL)) >= 0) {
		int status;

		if (id == OPTION_HELP)
			return fputs(usage, stdout) < 0 ? XA_EXIT_FAILURE : XA_EXIT_OK;
		if (id == OPTION_VERSION)
			return puts("xdp-auditor " XA_VERSION) < 0 ? XA_EXIT_FAILURE : XA_EXIT_OK;
		status = option_take(arguments, id);
		if (status != XA_EXIT_OK)
			return status;
	}
	arguments->operands = (const char *const *)(argv + optind);
	arguments->operand_count = (size_t)(argc - optind);
	return -1;
}

/* Who starts us may ignore SIGCHLD, and we inherit that: then the kernel reaps a worker, and its
 * id, which is still ours to kill, may be somebody else's. */
static void take_back_children(void)
{
	const struct sigaction take = {.sa_handler = SIG_DFL};

	(void)sigaction(SIGCHLD, &take, NULL);
}

int main(int argc, char **argv)
{
	struct arguments arguments = {.log_level = XA_LOG_INFO};
	int status = arguments_read(&arguments, argc, argv);
	const char *command = "run";

	if (status >= 0)
		return status;
	xa_log_set(arguments.log_level, arguments.log_format);
	take_back_children();
	if (arguments.operand_count) {
		command = *arguments.operands++;
		arguments.operand_count--;
	}
	if (arguments.against && strcmp(command, "check") != 0)
		return usage_error("--against is for check");
	for (size_t i = 0; i < array_size(commands); i++)
		if (!strcmp(commands[i].name, command))
			return commands[i].run(&arguments);
	return usage_error("no command '%s'", command);
}
