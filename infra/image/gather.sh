#!/bin/sh
# Gathers the root file system of the image in the folder $1. Runs in the Dockerfile, in /qrcast.
set -eu
image=$1
mkdir -p "$image/usr/local/bin" "$image/etc" "$image/var/lib/dpkg/status.d" "$image/usr/share/doc"

# Node, which npm delivers with headers and manuals.
package=$(dirname "$(dirname "$(readlink -f node_modules/.bin/node)")")
mv "$package/bin/node" "$image/usr/local/bin/node"
rm -rf "$package/include" "$package/share" "$package/CHANGELOG.md" "$package/README.md" "$package/node_modules"

# The libraries that Node loads, with their licences. status.d tells scanners their versions.
ldd "$image/usr/local/bin/node" | grep -o '/[^ ]*' | while read -r library; do
  cp --dereference --parents "$library" "$image"
  dpkg --search "$library" "$(readlink -f "$library")" 2>/dev/null | cut -d : -f 1
done | sort -u | while read -r name; do
  dpkg --status "$name" > "$image/var/lib/dpkg/status.d/$name"
  mkdir -p "$image/usr/share/doc/$name"
  cp --dereference "/usr/share/doc/$name/copyright" "$image/usr/share/doc/$name/copyright"
done

echo 'qrcast:x:65532:65532:qrcast:/home/qrcast:/sbin/nologin' > "$image/etc/passwd"
echo 'qrcast:x:65532:' > "$image/etc/group"
cp /etc/os-release "$image/etc/os-release"
install -d -m 1777 "$image/tmp"
install -d -o 65532 -g 65532 "$image/home/qrcast" "$image/compiled"

# Types, sources of what is built, and documents of packages are not needed; licences stay.
find node_modules -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \) -delete
find node_modules -type f -iname '*.md' ! -iname '*licen[cs]e*' ! -iname '*notice*' -delete
rm -rf node_modules/.bin node_modules/.modules.yaml apps/web packages/client/src
mkdir "$image/qrcast"
cp -a package.json pnpm-lock.yaml LICENSE THIRD-PARTY-LICENSES.md node_modules apps packages infra "$image/qrcast"
rm -rf "$image/qrcast/infra/patches" "$image/qrcast/infra/image/Dockerfile" "$image/qrcast/infra/image/gather.sh"
