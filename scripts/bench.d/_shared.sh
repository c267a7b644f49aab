# What the sections of scripts/bench share. Sourced, not run.
# shellcheck shell=bash

rounds=${ROUNDS:-5}
seconds_each=${SECONDS_EACH:-4}
scratch=$(mktemp -d)
started=()

# Ends what was started here, and nothing else.
clean_up() {
    local pid
    for pid in ${started[@]+"${started[@]}"}; do
        kill "$pid" 2>/dev/null || true
    done
    wait 2>/dev/null || true
    rm -rf "$scratch"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# Programs that were installed for the comparison only.
PATH="$PATH:${BENCH_PATH:-/tmp/oha/bin}"

has() { command -v "$1" >/dev/null 2>&1; }

describe_machine() {
    printf 'machine: %s cores, %s, Linux %s, load %s\n' \
        "$(nproc)" "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)" \
        "$(uname -r)" "$(cut -d' ' -f1 /proc/loadavg)"
    printf 'medians of %s interleaved runs of %s s\n' "$rounds" "$seconds_each"
    if [ "$(nproc)" -lt 2 ]; then
        echo "one core only: client and server disturb each other, take no figure seriously"
    fi
}

# Keeps a figure: keep TOOL FIGURE VALUE
keep() { echo "$3" >>"$scratch/figure.$1.$2"; }

# The median of what was kept, or `-`: median TOOL FIGURE
median() {
    local file="$scratch/figure.$1.$2"
    [ -s "$file" ] || { echo "-"; return; }
    sort -g "$file" | awk '{ v[NR] = $1 } END { print (NR % 2) ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

# Forgets all figures, before a section.
forget() { rm -f "$scratch"/figure.*; }

# Runs a program on the client's core. Its output goes to $scratch/out; then its CPU seconds and its memory at its
# highest (KiB, looked at every 50 ms) are in the variables cpu and memory.
measured() {
    python3 - "$scratch/out" "$scratch/used" "$@" <<'PY'
import os, sys, time
out, used, *words = sys.argv[1:]
pid = os.fork()
if pid == 0:
    os.sched_setaffinity(0, {0})
    fd = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(fd, 1)
    os.dup2(fd, 2)
    os.execvp(words[0], words)
high = 0
while True:
    # The usage that wait4 gives would count the interpreter before the exec as the program's memory.
    done, status, usage = os.wait4(pid, os.WNOHANG)
    if done:
        break
    time.sleep(0.05)
    try:
        with open(f"/proc/{pid}/status") as f:
            lines = [line for line in f if line.startswith("VmHWM:")]
    except OSError:
        lines = []
    if lines:
        high = int(lines[0].split()[1])
with open(used, "w") as f:
    f.write(f"{usage.ru_utime + usage.ru_stime:.4f} {high}\n")
sys.exit(os.waitstatus_to_exitcode(status) & 0xff)
PY
    # shellcheck disable=SC2034
    read -r cpu memory <"$scratch/used"
}

# A figure of the engine's own output: figure NAME
figure() { awk -v name="$1" '$1 == name { print $2 }' "$scratch/out"; }

# The engine from the command line, until `gonogo run` is what is measured. Prints its path.
built_load() {
    if [ ! -s "$scratch/load-path" ]; then
        cargo bench --quiet --no-run -p gonogo-probes --bench load --message-format=json 2>"$scratch/build.err" |
            sed -n 's/.*"name":"load".*"executable":"\([^"]*\)".*/\1/p' | tail -1 >"$scratch/load-path"
        [ -s "$scratch/load-path" ] || { cat "$scratch/build.err" >&2; return 70; }
    fi
    cat "$scratch/load-path"
}

# Kilobytes as MiB: mib KIB
mib() { [ "$1" = "-" ] && echo "-" || awk -v k="$1" 'BEGIN { printf "%.1f", k / 1024 }'; }
