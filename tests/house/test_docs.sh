#!/bin/sh
# Manual pages and the reference of the settings are what the program itself says; the example in
# docs/configuration.md is a good configuration, but for the files it names.
set -eu

root=$1 fedge=$2
"$root/script/docs" --check "$fedge"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sed -n '/^```yaml$/,/^```$/{/^```/d;p}' "$root/docs/configuration.md" >"$work/edge.yaml"
[ -s "$work/edge.yaml" ] || {
	echo "docs/configuration.md has no example"
	exit 1
}
"$fedge" config check "$work/edge.yaml" 2>"$work/said" && status=0 || status=$?
grep -v 'cannot read `\|no folder for `' "$work/said" >"$work/wrong" || :
if [ -s "$work/wrong" ] || [ "$status" -eq 64 ]; then
	echo "the example of docs/configuration.md has mistakes:"
	cat "$work/said"
	exit 1
fi

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
