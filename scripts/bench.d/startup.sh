# How long the program takes to say its version, and to make one check, beside hurl. Wall time of whole processes.
# shellcheck shell=bash

# Milliseconds of one call, the fastest of 20: startup_ms COMMAND…
startup_ms() {
    python3 - "$@" <<'PY'
import subprocess, sys, time
best = None
for _ in range(20):
    start = time.perf_counter()
    subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    took = time.perf_counter() - start
    best = took if best is None else min(best, took)
print(f"{best * 1000:.3f}")
PY
}

bench_startup() {
    forget
    local program round
    program=$(built_gonogo)
    start_nginx
    CHECKS=1 checks_count=1 checks_plan "$scratch/one.yaml"
    checks_count=1 checks_hurl "$scratch/one.hurl"
    for round in $(seq "$rounds"); do
        keep true version "$(startup_ms /bin/true)"
        keep gonogo version "$(startup_ms "$program" --version)"
        keep gonogo check "$(startup_ms "$program" run "$scratch/one.yaml" --env local --out "$scratch/runs-one" --json)"
        measured "$program" run "$scratch/one.yaml" --env local --out "$scratch/runs-one" --json
        keep gonogo memory "$memory"
        has hurl || continue
        keep hurl version "$(startup_ms hurl --version)"
        keep hurl check "$(startup_ms hurl --no-output "$scratch/one.hurl")"
    done
    printf '\nstart-up, milliseconds of a whole process as Python starts it (/bin/true: %s)\n' "$(median true version)"
    printf '%-10s %12s %12s\n' tool '--version' 'one check'
    local tool
    for tool in gonogo hurl; do
        printf '%-10s %12s %12s\n' "$tool" "$(median $tool version)" "$(median $tool check)"
    done
    printf 'aim: --version 0.5 ms and one check 1.0 ms above an empty process\n'
}
