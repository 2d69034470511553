#!/usr/bin/env bash
# template.sh - a stranger's connector: the template, built against the installed SDK alone
#
# The SDK's parts are installed into a folder of the test's own; nothing of the source tree is on
# the compiler's path after that.
limit=180
. "$(dirname "$0")/../lib.sh"

command -v pkg-config >/dev/null || skip "no pkg-config"
command -v readelf >/dev/null || skip "no readelf"

dest=$work/dest
"${MAKE:-make}" -s install-binPROGRAMS install-sdkincludeHEADERS install-sdklibLIBRARIES \
    install-dist_templateDATA install-nodist_pkgconfigDATA DESTDIR="$dest" >"$work/install.log" 2>&1 ||
    fail "the SDK does not install"

pc=$(find "$dest" -name busbar-sdk.pc)
[ -n "$pc" ] || fail "no busbar-sdk.pc is installed"
export PKG_CONFIG_PATH=${pc%/*} PKG_CONFIG=pkg-config
pkg-config --exists busbar-sdk || fail "pkg-config does not take busbar-sdk.pc"
# the folder is not where it says it is: move every absolute path
sed -i -E "s|=(/[^\$])|=$dest\\1|" "$pc"
ok "the SDK installs"

template=$(find "$dest" -type d -name template)
name=acme-mes
mkdir "$work/$name"
for f in "$template"/*; do
    sed "s/@NAME@/$name/g" "$f" >"$work/$name/${f##*/}"
done
cd "$work/$name"
grep -r '@[A-Z_]*@' . && fail "a mark was left"
make CFLAGS="-O2 -Wall -Wextra -Werror" >"$work/make.log" 2>&1 || fail "the template does not build"
ok "the template builds without a warning"

exports=$(nm -D --defined-only "$name.so" | awk '{print $3}')
[ "$exports" = bb_module_v1 ] || fail "exports, where bb_module_v1 alone was expected: $exports"
ok "one symbol is exported"

nm -D --undefined-only "$name.so" | grep -E ' bb_' && fail "a symbol of the core is wanted"
readelf -n "$name.so" 2>/dev/null | grep -q 'busbar' || fail "the manifest's note is not in the file"
strip "$name.so"
readelf -n "$name.so" 2>/dev/null | grep -q 'busbar' || fail "strip takes the manifest's note away"
ok "the manifest's note is there, also after strip"

make check CFLAGS="-O2 -Wall -Wextra -Werror" >"$work/check.log" 2>&1 || fail "the template's own test fails"
sample=$(find "$PWD" -name sample.yaml) so=$(dirname "$(find "$PWD" -name "*.so" | head -n 1)")
mkdir "$work/sample"
cp "$sample" "$work/sample/"
BUSBAR_PLUGIN_PATH=$so "$busbar" check -c "$work/sample" >"$work/sample.log" 2>&1 ||
    fail "its sample.yaml is refused: $(cat "$work/sample.log")"
ok "the template's sample.yaml is a good configuration"
grep -q "^ok: $name delivers and submits" "$work/check.log" || fail "the test did not say ok"
ok "the template's own test passes"

make install DESTDIR="$work/root" >"$work/inst.log" 2>&1 || fail "make install fails"
[ -n "$(find "$work/root" -name "$name.so")" ] || fail "make install installed nothing"
ok "make install"

# a manifest that cannot work stops the build, and says why
sed -i 's/"threading": "loop"/"threading": "lop"/' manifest.json
if make >"$work/bad.log" 2>&1; then
    fail "a wrong manifest builds"
fi
grep -q '/threading: must be "loop" or "blocking"' "$work/bad.log" || fail "the reason is not told"
[ ! -e manifest.h.tmp ] || [ ! -s manifest.h.tmp ] || fail "half a note was written"
ok "a wrong manifest stops the build"
