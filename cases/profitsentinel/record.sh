#!/bin/sh
# Records anew what the real programs say of the delivered release: terraform, cargo, pytest and jest. Needs all four; jest comes from npm.
# Works on copies in /tmp/profitsentinel, so that no folder of anybody's machine gets into a recording. Run it from this folder.
set -eu
case_folder=$(pwd)
place=/tmp/profitsentinel
export CHECKPOINT_DISABLE=1 TF_CLI_CONFIG_FILE=/dev/null CARGO_TERM_COLOR=never LC_ALL=C.UTF-8
rm -rf "$place"
cp -r delivered "$place"
mkdir -p delivered/results planted

# --- Terraform: the plan before the first apply, the state after it, and plans with something wrong.
staging=$place/infrastructure/environments/staging
plan() { # name of the recording; the configuration is what stands in $staging now
  terraform -chdir="$staging" init -no-color >/dev/null
  terraform -chdir="$staging" plan -no-color -out=made.tfplan >/dev/null
  terraform -chdir="$staging" show -json made.tfplan > "$1"
}
fresh() {
  rm -rf "$place/infrastructure"
  cp -r "$case_folder/delivered/infrastructure" "$place/infrastructure"
}
fresh
plan "$case_folder/delivered/results/terraform-plan.json"
terraform -chdir="$staging" apply -no-color -auto-approve made.tfplan >/dev/null
terraform -chdir="$staging" show -json > "$case_folder/delivered/results/terraform-state.json"

fresh # A bucket that an earlier configuration made, and this one does not have any more.
mkdir "$staging/aside"
mv "$staging"/*.tf "$staging/aside/"
echo 'resource "terraform_data" "legacy_uploads" {}' > "$staging/main.tf"
plan "$place/earlier.json"
terraform -chdir="$staging" apply -no-color -auto-approve made.tfplan >/dev/null
mv "$staging/aside"/*.tf "$staging/"
plan "$case_folder/planted/terraform-destroys.json"

fresh # A new variable without a default: staging gives it, dev does not.
sed -i '/default     = 8000/d' "$place/infrastructure/modules/alb/main.tf"
plan "$case_folder/planted/terraform-no-default.json"

fresh # A resource that was forgotten.
sed -i '/"versioning"/,/^}/d' "$place/infrastructure/modules/s3/main.tf"
plan "$case_folder/planted/terraform-forgotten.json"

# --- The suites.
cd "$place/pipeline"
cargo test --offline > "$case_folder/delivered/results/cargo.txt" 2>/dev/null
cargo test --offline no_such_name > "$case_folder/planted/cargo-nothing.txt" 2>/dev/null

cd "$place/agent"
pytest-3 -q -p no:cacheprovider -o junit_suite_name=sentinel-agent --junit-xml="$case_folder/delivered/results/pytest.xml" >/dev/null
sed -i 's/>= 10_000/> 10_000/' sentinel/tasks.py
if pytest-3 -q -p no:cacheprovider -o junit_suite_name=sentinel-agent --junit-xml="$case_folder/planted/pytest-failed.xml" >/dev/null; then
  echo "the planted mistake was not found" >&2
  exit 1
fi
# The name of the machine is nobody's business.
sed -i 's/ hostname="[^"]*"/ hostname="ci"/' "$case_folder/delivered/results/pytest.xml" "$case_folder/planted/pytest-failed.xml"

cd "$place/frontend"
npm install --no-audit --no-fund --silent
npx jest --json > "$case_folder/delivered/results/jest.json" 2>/dev/null
sed -i 's/describe("ago"/describe.skip("ago"/' src/digest.test.js
npx jest --json > "$case_folder/planted/jest-skipped.json" 2>/dev/null

rm -rf "$place"
