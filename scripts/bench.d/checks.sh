# 10,000 checks of one request and six expectations each, with the journal, the evidence and all reports, beside hurl
# with its JSON report, on the same nginx.
# shellcheck shell=bash

checks_count=${CHECKS:-10000}

checks_plan() {
    python3 - "$1" "$checks_count" "$nginx_port" <<'PY'
import sys
path, count, port = sys.argv[1], int(sys.argv[2]), sys.argv[3]
with open(path, "w") as f:
    f.write("gonogo: 1\nname: ten thousand\nenvironments:\n  local:\n    targets:\n      api: { http: 'http://127.0.0.1:%s' }\ngates:\n  all:\n    title: Every request is answered\n    checks:\n" % port)
    for i in range(count):
        f.write("      - id: c%d\n        http: GET /%d\n        expect:\n" % (i, i))
        for e in ["status == 200", "text == 'ok\\n'", "size == 3", "headers['content-type'] == 'text/plain'", "http_version == '1.1'", "latency < duration('10s')"]:
            f.write('          - "%s"\n' % e.replace("\\", "\\\\"))
PY
}

checks_hurl() {
    python3 - "$1" "$checks_count" "$nginx_port" <<'PY'
import sys
path, count, port = sys.argv[1], int(sys.argv[2]), sys.argv[3]
with open(path, "w") as f:
    for i in range(count):
        f.write('GET http://127.0.0.1:%s/%d\nHTTP 200\n[Asserts]\nbody == "ok\\n"\nbytes count == 3\nheader "Content-Type" == "text/plain"\nversion == "1.1"\nduration < 10000\nstatus == 200\n\n' % (port, i))
PY
}

# The program as it is shipped. Prints its path.
built_gonogo() {
    cargo build --quiet --release -p gonogo >&2
    echo "$root/target/release/gonogo"
}

bench_checks() {
    forget
    local program round
    program=$(built_gonogo)
    start_nginx
    checks_plan "$scratch/plan.yaml"
    checks_hurl "$scratch/checks.hurl"
    has hurl || echo "checks: hurl is not installed (cargo install hurl; name its folder in BENCH_PATH): its rows are empty"
    for round in $(seq "$rounds"); do
        rm -rf "$scratch/runs" "$scratch/hurl-report"
        local before after
        before=$(date +%s.%N)
        measured "$program" run "$scratch/plan.yaml" --env local --out "$scratch/runs" --json
        after=$(date +%s.%N)
        keep gonogo cpu "$cpu"
        keep gonogo memory "$memory"
        keep gonogo wall "$(awk -v a="$after" -v b="$before" 'BEGIN { print a - b }')"
        has hurl || continue
        before=$(date +%s.%N)
        measured hurl --no-output --report-json "$scratch/hurl-report" "$scratch/checks.hurl"
        after=$(date +%s.%N)
        keep hurl cpu "$cpu"
        keep hurl memory "$memory"
        keep hurl wall "$(awk -v a="$after" -v b="$before" 'BEGIN { print a - b }')"
    done
    printf '\n%s checks, six expectations each, all reports\n' "$checks_count"
    printf '%-10s %10s %10s %12s\n' tool 'CPU s' 'wall s' 'memory MiB'
    local tool
    for tool in gonogo hurl; do
        printf '%-10s %10s %10s %12s\n' "$tool" "$(median $tool cpu)" "$(median $tool wall)" "$(mib "$(median $tool memory)")"
    done
    printf 'aim: at most 0.15 CPU s and 16 MiB\n'
}
