#!/usr/bin/env bash
# Holds a package against what Databricks Apps asks of it, prints its sizes, and fails with every violation.
# usage: scripts/package-check.sh FOLDER [PROGRAM]   PROGRAM: the server before it was compressed; without it, it is unpacked.
set -euo pipefail
app="${1:?which folder?}"
program="${2:-}"
# Ubuntu 22.04, which Databricks Apps runs programs on.
NEWEST_GLIBC=2.35
LARGEST=10485760
LIBRARIES='^(libc\.so\.6|libm\.so\.6|libgcc_s\.so\.1|libdl\.so\.2|libpthread\.so\.0|librt\.so\.1|ld-linux-x86-64\.so\.2)$'
problems=()

if [ -z "$program" ]; then
  program="$(mktemp)"
  trap 'rm -f "$program"' EXIT
  cat "$app"/direct-write.gz.* | gzip --decompress --stdout >"$program"
fi

printf '%12s  %s\n' bytes file
total=0
while read -r bytes file; do
  printf '%12s  %s\n' "$bytes" "$file"
  total=$((total + bytes))
  [ "$bytes" -lt "$LARGEST" ] || problems+=("$file has $bytes bytes; Databricks Apps takes less than $LARGEST.")
done < <(cd "$app" && find . -type f -printf '%s %P\n' | sort -k2)
printf '%12s  together\n' "$total"
printf '%12s  the server, unpacked\n' "$(stat -c %s "$program")"

glibc="$(objdump -T "$program" | grep -o 'GLIBC_[0-9.]*' | cut -d_ -f2 | sort -Vu | tail -n 1)"
printf '%12s  newest glibc that the server asks for\n' "$glibc"
if [ "$(printf '%s\n%s\n' "$glibc" "$NEWEST_GLIBC" | sort -V | tail -n 1)" != "$NEWEST_GLIBC" ]; then
  problems+=("The server asks for glibc $glibc; Databricks Apps has $NEWEST_GLIBC. Build it on an older system.")
fi
while read -r library; do
  [[ "$library" =~ $LIBRARIES ]] || problems+=("The server asks for $library, which may not be there.")
done < <(objdump -p "$program" | awk '$1 == "NEEDED" {print $2}')

for needed in app.yaml launcher.py hash.txt direct-write.sha256 SHA256SUMS site/favicon.svg; do
  [ -f "$app/$needed" ] || problems+=("$needed is missing.")
done
if ! (cd "$app" && sha256sum --check --quiet --strict SHA256SUMS); then
  problems+=("Files differ from SHA256SUMS.")
fi
listed="$(awk '{print $2}' "$app/SHA256SUMS" | LC_ALL=C sort)"
there="$(cd "$app" && find . -type f ! -name SHA256SUMS -printf '%P\n' | LC_ALL=C sort)"
[ "$listed" = "$there" ] || problems+=("SHA256SUMS does not list exactly the files that are there.")
if [ "$(sha256sum <"$program" | cut -d' ' -f1)" != "$(cut -d' ' -f1 "$app/direct-write.sha256")" ]; then
  problems+=("The server is not the one of direct-write.sha256.")
fi

# The page's three files, each under the name that hash.txt gives it, and in both compressions.
while IFS=': ' read -r kind hash; do
  [ -n "$kind" ] || continue
  for suffix in '' .br .gz; do
    [ -f "$app/site/pkg/direct-write.$hash.$kind$suffix" ] \
      || problems+=("site/pkg/direct-write.$hash.$kind$suffix is missing, and hash.txt names it.")
  done
done <"$app/hash.txt"
python3 -c 'import ast, sys; ast.parse(open(sys.argv[1]).read(), feature_version=(3, 10))' "$app/launcher.py" \
  || problems+=("launcher.py is not Python 3.10.")
# The lakehouse is for laptops; its engine would not fit.
if grep --quiet --text "datafusion-[a-z]" "$program"; then problems+=("DataFusion is in the server."); fi

for problem in "${problems[@]}"; do printf '  package  %s\n' "$problem" >&2; done
[ "${#problems[@]}" -eq 0 ]
