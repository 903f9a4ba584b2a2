#!/usr/bin/env bash
# Evaluates the recorded sets and writes rules/EVALUATION.md. The sets are no part of the repository: TOCSIN_DATA names their
# folder. Reports with plots stay in .cache/evaluate.
set -euo pipefail
cd "$(dirname "$0")/../.."
out=.cache/evaluate
mkdir -p "$out"
${GO:-go} build -o "$out/tocsin" .

evaluate() { # folder, data, packs
  "$out/tocsin" evaluate --out "$out/$1" --data "$2" --pack "$3" ||
    { echo "rules/EVALUATION.md is left as it was: set TOCSIN_DATA to the folder of the recorded sets"; exit 1; }
}
evaluate sepsis physionet2019:physionet2019-4000-stays.tar.zst study:news2,study:news2-twice,study:news2-trend,study:limits,study:limits-twice
evaluate home tihm:tihm home-monitoring,study:home-limits,study:home-twice,study:home-held,study:home-held-longer,study:home-weight,study:home-personal

{ cat rules/study/introduction.md; for set in sepsis home; do echo; sed 's/^#/##/' "$out/$set/report.md"; done; } > "$out/EVALUATION.md"
mv "$out/EVALUATION.md" rules/EVALUATION.md
echo "rules/EVALUATION.md is written; the plots are in $out"
