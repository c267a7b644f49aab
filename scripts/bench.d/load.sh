# Requests per second and CPU of the load engine beside wrk and oha on the same nginx: 64 connections, the client on
# core 0, nginx with one worker on core 1.
# shellcheck shell=bash

nginx_port=${NGINX_PORT:-18081}

start_nginx() {
    has nginx || { echo "load: nginx is not installed (apt-get install nginx)" >&2; return 70; }
    cat >"$scratch/nginx.conf" <<CONF
worker_processes 1;
worker_cpu_affinity 10;
daemon off;
pid $scratch/nginx.pid;
error_log $scratch/nginx.err;
events { worker_connections 4096; }
http {
    access_log off;
    keepalive_requests 1000000000;
    keepalive_timeout 600s;
    server {
        listen 127.0.0.1:$nginx_port;
        location / { default_type text/plain; return 200 "ok\n"; }
    }
}
CONF
    nginx -e "$scratch/nginx.err" -c "$scratch/nginx.conf" &
    started+=($!)
    local _try
    for _try in $(seq 100); do
        if (exec 3<>"/dev/tcp/127.0.0.1/$nginx_port") 2>/dev/null; then return; fi
        sleep 0.05
    done
    cat "$scratch/nginx.err" >&2
    return 70
}

# keep_load TOOL REQUESTS SECONDS: CPU and rate from the run just measured.
keep_load() {
    keep "$1" cpu "$(awk -v c="$cpu" -v n="$2" 'BEGIN { print c / n * 1e5 }')"
    keep "$1" rate "$(awk -v n="$2" -v s="$3" 'BEGIN { print n / s }')"
    keep "$1" memory "$memory"
}

load_gonogo() {
    measured "$1" run "http://127.0.0.1:$nginx_port/" --users 64 --seconds "$seconds_each" --raw "$scratch/raw"
    [ "$(figure end_ok)" = "$(figure requests)" ] || { echo "load: not every request was answered" >&2; cat "$scratch/out" >&2; return 70; }
    keep_load gonogo "$(figure requests)" "$(figure elapsed_s)"
}

load_wrk() {
    measured wrk -t1 -c64 -d"$seconds_each" "http://127.0.0.1:$nginx_port/"
    keep_load wrk "$(awk '/requests in/ { print $1 }' "$scratch/out")" "$seconds_each"
}

load_oha() {
    measured oha --no-tui -c 64 -z "${seconds_each}s" --output-format json "http://127.0.0.1:$nginx_port/"
    local n
    n=$(python3 -c 'import json,sys; print(sum(json.load(open(sys.argv[1]))["statusCodeDistribution"].values()))' "$scratch/out")
    keep_load oha "$n" "$seconds_each"
}

bench_load() {
    local engine tools tool
    engine=$(built_load)
    forget
    start_nginx
    tools=(gonogo)
    has wrk && tools+=(wrk) || echo "load: wrk is skipped: not installed (apt-get install wrk)"
    has oha && tools+=(oha) || echo "load: oha is skipped: not installed (cargo install oha --locked --root /tmp/oha)"
    for _ in $(seq "$rounds"); do
        for tool in "${tools[@]}"; do "load_$tool" "$engine"; done
    done
    printf '\nload: 64 connections, one client core, nginx on one core\n'
    printf '%-8s %22s %12s %12s\n' tool 'CPU-s/100,000 requests' requests/s 'memory MiB'
    for tool in "${tools[@]}"; do
        printf '%-8s %22.4f %12.0f %12s\n' "$tool" "$(median "$tool" cpu)" "$(median "$tool" rate)" "$(mib "$(median "$tool" memory)")"
    done
    echo "aim: CPU 0.25 where wrk needs 0.26 (x0.96), requests/s 400k where wrk has 373k (x1.07), memory 8 MiB"
    if has wrk; then
        awk -v c="$(median gonogo cpu)" -v w="$(median wrk cpu)" -v r="$(median gonogo rate)" -v s="$(median wrk rate)" \
            'BEGIN { printf "gonogo / wrk: CPU x%.2f, requests/s x%.2f\n", c / w, r / s }'
    fi
}
