#!/usr/bin/env bash
# `npm run demo`: installs what is missing, then shows the main job in network namespaces of its own (demo.mjs).
set -euo pipefail
cd "$(dirname "$0")/../.."
bash .ci/install-packages demo
node bin/tshuttle --version >/dev/null 2>&1 || npm run --silent build
PATH=$PATH:/usr/sbin:/sbin exec node bench/demo/demo.mjs
