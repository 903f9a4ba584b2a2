#!/bin/sh
# fetch.sh OUTDIR puts the pinned ClickHouse engine at OUTDIR/libchdb.so. Run again, it does nothing.
#
# npm checks the package against package-lock.json; that the file is really there is checked here, since npm also ends
# well without it. Without the engine everything but the history runs.
set -eu

out=${1:?usage: fetch.sh OUTDIR, for example fetch.sh bin/engine}
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$out"
out=$(cd "$out" && pwd)

without() {
	echo "fetch.sh: $1" >&2
	echo "fetch.sh: history is off; point history at a ClickHouse server by DSN, or run this again" >&2
	exit 1
}

case "$(uname -s)/$(uname -m)" in
Linux/x86_64) package=@chdb/lib-linux-x64-gnu ;;
*) without "the embedded engine is proven on Linux x86_64 only, this is $(uname -s) $(uname -m)" ;;
esac

# One line that changes with the lock file tells whether what lies there is what is wanted.
want=$(sha256sum "$here/npm/package-lock.json" | cut -d' ' -f1)
if [ -s "$out/libchdb.so" ] && [ "$(cat "$out/libchdb.pinned" 2>/dev/null)" = "$want" ]; then
	exit 0
fi

command -v npm >/dev/null || without "npm is not installed (Debian: apt-get install npm)"
(cd "$here/npm" && npm ci --no-audit --no-fund --ignore-scripts) || without "npm could not fetch $package"
lib=$here/npm/node_modules/$package/libchdb.so
[ -s "$lib" ] || without "npm ended well, and yet there is no $lib"

# A link costs no second half gigabyte; on another file system it is a copy. Renamed at the end, so never half there.
rm -f "$out/libchdb.so.new"
ln "$lib" "$out/libchdb.so.new" 2>/dev/null || cp "$lib" "$out/libchdb.so.new"
mv -f "$out/libchdb.so.new" "$out/libchdb.so"
echo "$want" >"$out/libchdb.pinned"
echo "fetch.sh: ClickHouse engine at $out/libchdb.so"
