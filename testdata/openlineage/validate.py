"""Holds events of OpenLineage, a line of standard input each, against the schemas beside this file."""

import json
import pathlib
import re
import sys
import warnings

import jsonschema

# The newer way to name schemas is not there in all versions that hosts have.
warnings.simplefilter("ignore")

HERE = pathlib.Path(__file__).parent
SCHEMAS = {path.name: json.loads(path.read_text()) for path in HERE.glob("*.json")}
CORE = SCHEMAS["OpenLineage.json"]
# Facets refer to the core in the version of their day, for what has stayed the same.
STORE = {f"https://openlineage.io/spec/{version}/OpenLineage.json": CORE
         for version in ("1-0-1", "1-0-2", "1-0-3", "2-0-2")}
URL = re.compile(r"https://openlineage\.io/spec/(?:facets/)?([0-9-]+)/(\w+\.json)#/\$defs/(\w+)")


def check(schema, definition, value, where):
    resolver = jsonschema.RefResolver(schema["$id"], schema, store=STORE)
    validator = jsonschema.Draft202012Validator(
        {"$ref": f"{schema['$id']}#/$defs/{definition}"}, resolver=resolver,
        format_checker=jsonschema.FormatChecker())
    return [f"{where}: {error.message}" for error in validator.iter_errors(value)]


def schema_of(url, where):
    found = URL.fullmatch(url)
    if not found or found[2] not in SCHEMAS:
        return None, None, [f"{where}: no such schema: {url}"]
    schema = SCHEMAS[found[2]]
    if f"/{found[1]}/" not in schema["$id"]:
        return None, None, [f"{where}: another version than {schema['$id']}: {url}"]
    return schema, found[3], []


def check_event(event, where):
    schema, definition, faults = schema_of(event["schemaURL"], where)
    if schema:
        faults += check(schema, definition, event, where)
    for owner in ("run", "job"):
        for name, facet in event[owner].get("facets", {}).items():
            at = f"{where}, facet {name}"
            schema, definition, wrong = schema_of(facet["_schemaURL"], at)
            faults += wrong
            if schema:
                faults += check(schema, definition, facet, at)
                if name not in schema["properties"]:
                    faults.append(f"{at}: not the name that its schema has for it")
    return faults


faults = []
count = 0
for count, line in enumerate(sys.stdin, 1):
    faults += check_event(json.loads(line), f"event {count}")
print("\n".join(faults) if faults else f"{count} events are valid")
sys.exit(1 if faults else 0)
