# SPDX-License-Identifier: GPL-2.0-or-later
"""The JSON Schema against the golden cases, as a validator of another's making reads both: what the
program takes has to validate, and what it refuses must not, but for what a schema cannot see."""

import json
import pathlib
import sys

try:
    import jsonschema
    import yaml
except ImportError as error:
    print(f"skipped: {error.name} is not there (python3-jsonschema, python3-yaml)")
    sys.exit(77)

ROOT = pathlib.Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests/golden"
SCHEMA = ROOT / "config/xdp-auditor.schema.json"
NAMES_SCHEMA = "# yaml-language-server: $schema="

# Refused by the program for what is no matter of a schema. Each has to validate, or it goes.
UNSEEN = {
    "the environment": """env_bad_value env_bytes env_empty env_inject env_message env_nested
        env_not_recursive env_too_long env_unset policy_plugin_dir_bytes""",
    "bounds of durations and sizes": "range_duration policy_memory_huge",
    "the bytes of a file": "carriage_return control_c1 utf16",
    "what a parser has resolved by then": """alias anchor directive duplicate_in_section
        duplicate_key duplicate_section integer_forms merge_key policy_stages_same_key tag""",
    "values that exclude one another": "interface_auto_among fold_ports_overlap",
    "what options of stages hold": """policy_stages_depth_over policy_stages_duplicate
        policy_stages_key_long policy_stages_path_long policy_stages_variables""",
}


def load(path):
    """The document, and whether there is one that other parsers agree on."""
    try:
        return yaml.safe_load(path.read_bytes()), True
    except (yaml.YAMLError, ValueError, RecursionError):
        return None, False


class Tally:
    def __init__(self):
        self.passed = self.failed = 0

    def check(self, label, fault):
        self.passed, self.failed = self.passed + (not fault), self.failed + bool(fault)
        if fault:
            print(f"FAIL {label}: {fault}")


def fault_of(validator, document):
    error = jsonschema.exceptions.best_match(validator.iter_errors(document))
    return error and f"{error.json_path}: {error.message}"[:300]


def good(validator, tally):
    """The daemon takes these, folders' files among them, and so its own effective configs."""
    paths = [path.with_suffix(".yaml") for path in (GOLDEN / "config").glob("*.ok")]
    paths += GOLDEN.glob("config*/*.ok")
    for ok in GOLDEN.glob("config-d/*.ok"):
        paths += ok.with_suffix("").glob("[!.]*.yaml")
    for path in sorted(path for path in paths if path.exists()):
        document, readable = load(path)
        if readable:
            tally.check(path.relative_to(GOLDEN), fault_of(validator, document))
        else:
            tally.check(path.relative_to(GOLDEN), "no other parser can read it")


def bad(validator, tally):
    unseen = " ".join(UNSEEN.values()).split()
    for path in sorted((GOLDEN / "config").glob("*.err")):
        document, readable = load(path.with_suffix(".yaml"))
        if not readable:
            continue
        refused = fault_of(validator, document)
        if path.stem in unseen:
            tally.check(path.stem, refused and f"is seen after all: {refused}")
        else:
            tally.check(path.stem, not refused and f"validates: {str(document)[:200]}")
    for name in unseen:
        there = (GOLDEN / f"config/{name}.err").exists()
        tally.check(name, not there and "no such bad case")


def shipped(validator, tally):
    for path in [ROOT / "config/xdp-auditor.yaml", *(ROOT / "config/examples").glob("*.yaml")]:
        first = path.read_text().partition("\n")[0]
        named = first.startswith(NAMES_SCHEMA) and path.parent / first.removeprefix(NAMES_SCHEMA)
        same = named and named.resolve() == SCHEMA
        tally.check(path.name, not same and f"its first line does not name {SCHEMA.name}")
        tally.check(path.name, fault_of(validator, load(path)[0]))


def main():
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft7Validator.check_schema(schema)
    validator = jsonschema.Draft7Validator(schema)
    tally = Tally()
    good(validator, tally)
    bad(validator, tally)
    shipped(validator, tally)
    print(f"{tally.passed} passed, {tally.failed} failed, 0 skipped")
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
