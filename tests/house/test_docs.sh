#!/bin/sh
# Manual pages, the reference of the settings and what README.md and docs/checking.md show of checks are what the
# program itself says; the configurations in README.md and docs/configuration.md are good ones, once the files they
# name exist.
set -eu

root=$1 fedge=$2
"$root/script/docs" --check "$fedge"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/edge.key" -out "$work/edge.pem" -subj /CN=edge 2>/dev/null
cp "$work/edge.pem" "$work/partners.pem"
for document in README.md docs/configuration.md; do
	sed -n '/^```yaml$/,/^```$/{/^```/d;p}' "$root/$document" | sed "s|/run/fedge|$work|" >"$work/edge.yaml"
	[ -s "$work/edge.yaml" ] || {
		echo "$document has no example"
		exit 1
	}
	"$fedge" config check "$work/edge.yaml" >"$work/said" 2>&1 && status=0 || status=$?
	if [ "$status" -ne 0 ]; then
		echo "the example of $document does not pass (exit $status):"
		cat "$work/said"
		exit 1
	fi
done

# Every option that --help shows stands in the command's page.
for command in $("$fedge" help --commands); do
	"$fedge" "$command" --help | sed -n 's/^ .* \{0,1\}--\([a-z-]*\).*/\1/p' | sort -u >"$work/help"
	while read -r option; do
		needle=$(printf '%s' "--$option" | sed 's/-/\\-/g')
		grep -qF -- "$needle" "$root/man/fedge-$command.1" || {
			echo "man/fedge-$command.1 lacks --$option"
			exit 1
		}
	done <"$work/help"
done
