#!/usr/bin/env bash
# Measure the embedding stage on a GPU, in at most 8 minutes: OUT/gpu_check.json, .md and .log.
# bash experiments/gpu_check.sh OUT [options of python -m experiments.embed.gpu_check]
set -euo pipefail
out=$(realpath -m "${1:?give the folder for the results}")
shift
cd "$(dirname "$0")/.."
export PYTHONPATH=$PWD:$PWD/connectors${PYTHONPATH:+:$PYTHONPATH} PYTHONUNBUFFERED=1
exec timeout --kill-after=10 480 "${PYTHON:-python3}" -m experiments.embed.gpu_check "$out" "$@"
