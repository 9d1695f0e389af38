#!/bin/sh
# A data steward makes a copy of ICU stays (PhysioNet 2012) that may leave the house.
#
#   sh examples/steward.sh FOLDER OUT [MODEL [STAYS]]
#
# FOLDER holds patients.csv.gz and measurements.parquet; OUT is made; STAYS are made up (8000).
# Stops at the first command that refuses, with its line and its exit code.
set -eu
data=$1 out=$2 model=${3:-log-linear} many=${4:-8000}
here=$(dirname "$0")
patients=patients=$data/patients.csv.gz measured=measurements=$data/measurements.parquet
mkdir -p "$out"

# What these patients may lose in all: set once, before the first run, and not raised in passing.
if ! dpsynth ledger show icu2012 >/dev/null 2>&1; then
    dpsynth ledger join icu2012 "$data/patients.csv.gz" "$data/measurements.parquet"
    dpsynth ledger cap icu2012 --epsilon 10 --delta 1e-5
fi

# One stay in five stays out of training, to judge the copy on.
dpsynth train "$patients" "$measured" --schema "$here/icu2012.yaml" --population icu2012 \
    --model "$model" --epsilon 3 --delta 1e-5 --holdout 0.2 --out "$out/run"
dpsynth audit "$out/run"
dpsynth generate "$out/run" --n "$many" --out "$out/synthetic"

# Stays inside: it compares with real patients. Read its first page before you release.
dpsynth evaluate --run "$out/run" --data "$patients" --data "$measured" \
    --synthetic "$out/synthetic" --out "$out/internal"

dpsynth release "$out/run" --synthetic "$out/synthetic" --report "$out/internal" \
    --about "$here/about.yaml" --out "$out/icu2012.zip"
dpsynth verify "$out/icu2012.zip" # whoever gets it does the same
