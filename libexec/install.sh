#!/bin/sh
# The install and update hook of the plugin: a Python environment of its own, beside this script.
# HELMOPS_PYTHON names the Python to use; pip's own settings (index, proxy) are honoured.
set -eu
plugin=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
venv=$plugin/libexec/venv
work=$(mktemp -d)
trap 'rm -rf "$work" "$venv.new"' EXIT

fail() {
  echo "helmops: $1" >&2
  exit 1
}

find_python() {
  for name in ${HELMOPS_PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
    if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      echo "$name"
      return
    fi
  done
  return 1
}

python=$(find_python) || fail "needs Python 3.11 or later; install it, or name one with HELMOPS_PYTHON"
echo "helmops: setting up its environment with $("$python" --version) (this takes some seconds) ..."

# Made beside the present one, which stays in use if anything fails.
rm -rf "$venv.new"
"$python" -m venv "$venv.new" >"$work/log" 2>&1 ||
  { cat "$work/log" >&2; fail "$python cannot make a virtual environment (on Debian: apt install python3-venv)"; }

# From a copy, so that the build leaves nothing in the plugin's folder.
mkdir "$work/source"
cp -R "$plugin/helmops" "$plugin/pyproject.toml" "$plugin/README.md" "$plugin/LICENSE" "$work/source"
find "$work/source" -name __pycache__ -prune -exec rm -rf {} +
"$venv.new/bin/python" -m pip install --quiet --disable-pip-version-check --no-input "$work/source" \
  >"$work/log" 2>&1 || { cat "$work/log" >&2; fail "pip could not install it"; }

rm -rf "$venv"
mv "$venv.new" "$venv"
echo "helmops: $("$venv/bin/python" -I -m helmops version | sed -n 's/^helmops *//p') is ready: helm helmops --help"
