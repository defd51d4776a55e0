#!/usr/bin/env bash
# What `make setup` does: .venv from the locks, the compiler's link, anvil. Does nothing twice.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }
version_of() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || true; }

wanted='Python 3.11, 3.12 or 3.13'
how='Install one, or name it: make setup PYTHON=/path/to/python3.12'

python=${PYTHON:-}
if [ -n "$python" ]; then
    version=$(version_of "$python")
    [ -n "$version" ] || fail "PYTHON=$python does not run. $how"
else
    # What is there stays; 3.13 comes last, because there numpy has to be compiled.
    for candidate in .venv/bin/python python3 python3.12 python3.11 python3.13; do
        version=$(version_of "$candidate")
        case $version in
            3.11 | 3.12) python=$candidate; break ;;
            3.13)
                python=${python:-$candidate}
                [ "$candidate" != .venv/bin/python ] || break ;;
        esac
    done
    [ -n "$python" ] || fail "$wanted is needed, and none was found (python3 is $(python3 --version 2>&1 || true)). $how"
    version=$(version_of "$python")
fi
case $version in
    3.11 | 3.12) ;;
    3.13)
        command -v cc >/dev/null || fail "with Python 3.13 numpy 1.26 (ape needs < 2) has no ready-made wheel and is compiled, which needs a C compiler. Use Python 3.11 or 3.12, or install one (gcc)."
        say 'with Python 3.13 numpy is compiled: this takes some minutes, once' ;;
    *) fail "$python is Python $version; $wanted is needed. $how" ;;
esac

if [ "$(version_of .venv/bin/python)" != "$version" ]; then
    say "new .venv with Python $version ($python)"
    rm -rf .venv
    "$python" -m venv .venv || {
        rm -rf .venv
        fail "$python cannot make an environment. On Debian and Ubuntu: apt install python3-venv"
    }
fi
mkdir -p .build/vvm

# uv takes seconds; where it cannot reach the index (its own certificates or settings), pip can.
install() {
    local env=$1 requirements=$2; shift 2
    .venv/bin/uv pip install --quiet --python "$env/bin/python" --require-hashes "$@" -r "$requirements" && return
    say "uv could not install $requirements; trying pip, which takes a few minutes"
    .venv/bin/python -m pip --python "$env/bin/python" install --quiet --disable-pip-version-check \
        --require-hashes --no-build-isolation -r "$requirements"
}

say 'installing requirements.txt, every file checked against its hash'
# pip brings only the installer and the build backend, from the same lock; uv does the rest.
awk '/^(uv|setuptools)==/ { on = 1 } on { print } on && !/\\$/ { on = 0 }' requirements.txt > .build/installer.txt
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r .build/installer.txt
# Three packages come as source only; they too are built by the locked backend.
install .venv requirements.txt \
    --no-build-isolation-package lazyasd \
    --no-build-isolation-package python-baseconv \
    --no-build-isolation-package varint
.venv/bin/uv pip install --quiet --python .venv/bin/python --offline --no-deps --no-build-isolation --editable .

if [ ! -x .build/mamushi/bin/python ] || [ "$(version_of .build/mamushi/bin/python)" != "$version" ]; then
    .venv/bin/uv venv --quiet --clear --python .venv/bin/python .build/mamushi
fi
install .build/mamushi requirements-mamushi.txt

# ape runs the compiler through vvm, which would download one; with this link it takes the locked one.
ln -sfn ../../.venv/bin/vyper .build/vvm/vyper-0.4.3

if command -v npm >/dev/null; then
    npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null
fi
anvil=node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil
rm -f .venv/bin/anvil
if [ -x "$anvil" ]; then
    ln -s "../../$anvil" .venv/bin/anvil
    say "local chain: $(.venv/bin/anvil --version | head -n 1)"
elif command -v anvil >/dev/null; then
    say "local chain: $(command -v anvil), not the locked 1.7.1: gas figures may differ"
else
    say 'no anvil (it comes with Node >= 20 on Linux x86-64, or put one on PATH): the in-process chain will be used'
fi
say "done, Python $version"
