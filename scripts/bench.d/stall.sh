# What is reported of a server that stalls for the first 200 ms of each second, at 1,000 requests per second. A request
# that comes in a stall waits for its end, so the truth is p95 = 150 ms and p99 = 190 ms.
# shellcheck shell=bash

# Whole seconds, so that every part of the second is met equally often.
stall_seconds=${STALL_SECONDS:-5}

keep_stall() {
    keep "$1" p50 "$2"
    keep "$1" p95 "$3"
    keep "$1" p99 "$4"
}

stall_gonogo() {
    measured "$1" run "http://$2/" --rate 1000 --seconds "$stall_seconds"
    keep_stall gonogo "$(figure p50_us)" "$(figure p95_us)" "$(figure p99_us)"
    keep gonogo lag "$(figure lag_p99_us)"
    keep gonogo achieved "$(figure achieved_per_s)"
}

# The round trip without a queue and without the generator's pause between requests: what p50 may be held against.
stall_floor() {
    measured "$1" run "http://$2/" --users 1 --seconds "$stall_seconds"
    keep floor p50 "$(figure p50_us)"
}

oha_latencies() {
    python3 - "$scratch/out" <<'PY'
import json, sys
p = json.load(open(sys.argv[1]))["latencyPercentiles"]
print(*(p[k] * 1e6 for k in ("p50", "p95", "p99")))
PY
}

stall_oha() {
    measured oha --no-tui -c 64 -q 1000 -z "${stall_seconds}s" --output-format json "http://$2/"
    # shellcheck disable=SC2046
    keep_stall oha $(oha_latencies)
}

stall_oha_corrected() {
    measured oha --no-tui -c 64 -q 1000 --latency-correction -z "${stall_seconds}s" --output-format json "http://$2/"
    # shellcheck disable=SC2046
    keep_stall oha_corrected $(oha_latencies)
}

# wrk knows no rate: it is here to show what a closed loop makes of the same server.
stall_wrk() {
    measured wrk -t1 -c2 -d"$stall_seconds" --latency "http://$2/"
    # shellcheck disable=SC2046
    keep_stall wrk $(awk '
        function us(t) { return t ~ /us$/ ? t + 0 : t ~ /ms$/ ? t * 1e3 : t * 1e6 }
        $1 == "50%" { a = us($2) } $1 == "99%" { c = us($2) }
        $1 == "90%" { b = us($2) } END { print a, b, c }' "$scratch/out")
}

bench_stall() {
    local engine address tools tool server
    engine=$(built_load)
    forget
    mkfifo "$scratch/address"
    taskset -c 1 "$engine" stalls --seconds $((rounds * 6 * (stall_seconds + 2) + 30)) >"$scratch/address" &
    server=$!
    started+=("$server")
    read -r address <"$scratch/address"
    tools=(gonogo floor)
    if has oha; then tools+=(oha oha_corrected); else echo "stall: oha is skipped: not installed (cargo install oha --locked --root /tmp/oha)"; fi
    if has wrk; then tools+=(wrk); else echo "stall: wrk is skipped: not installed (apt-get install wrk)"; fi
    for _ in $(seq "$rounds"); do
        for tool in "${tools[@]}"; do "stall_$tool" "$engine" "$address"; done
    done
    kill "$server" 2>/dev/null || true
    printf '\nstall: 200 ms in each second, 1,000 requests/s, %s s each\n' "$stall_seconds"
    printf '%-14s %10s %10s %10s   (ms; truth: p95 150, p99 190)\n' tool p50 p95 p99
    for tool in "${tools[@]}"; do
        [ "$tool" = floor ] && continue
        printf '%-14s %10.3f %10.2f %10.2f' "$tool" \
            "$(awk -v v="$(median "$tool" p50)" 'BEGIN { print v / 1e3 }')" \
            "$(awk -v v="$(median "$tool" p95)" 'BEGIN { print v / 1e3 }')" \
            "$(awk -v v="$(median "$tool" p99)" 'BEGIN { print v / 1e3 }')"
        [ "$tool" = wrk ] && printf '   (closed, as fast as it goes; its p90 stands under p95)'
        echo
    done
    awk -v p="$(median gonogo p95)" 'BEGIN { printf "gonogo: p95 off by %+.2f %% (aim: within 1 %%)\n", (p / 150000 - 1) * 100 }'
    awk -v p="$(median gonogo p50)" -v f="$(median floor p50)" -v l="$(median gonogo lag)" -v a="$(median gonogo achieved)" 'BEGIN {
        printf "gonogo: p50 %.1f us, back-to-back round trip %.1f us, so biased by at most %.1f us (aim: 20); lag p99 %.1f us; achieved %.1f of 1000/s\n", p, f, p - f, l, a }'
}
