# A catalogue of 1,000 tables of 20 columns: a schema snapshot beside `pg_dump -s` and an empty psql in the same minute.
# Wall time of whole processes against a PostgreSQL of its own, from the machine's packages.
# shellcheck shell=bash

# Runs a command as somebody whom the server lets be its owner: not root.
as_postgres() {
    if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi
}

start_catalogue() {
    local programs
    programs=$(find /usr/lib/postgresql -maxdepth 2 -name bin | sort -V | tail -1)
    [ -n "$programs" ] || { echo "the section schema needs PostgreSQL: apt-get install -y postgresql" >&2; return 70; }
    catalogue=$(as_postgres mktemp -d /tmp/gonogo-bench-XXXXXX)
    (
        cd /
        as_postgres "$programs/initdb" -D "$catalogue/data" -U gonogo -A trust -N -E UTF8 --locale=C >/dev/null
    )
    # A folder of its own for the socket: no port is taken.
    (
        cd /
        as_postgres "$programs/pg_ctl" -D "$catalogue/data" -w -l "$catalogue/log" start \
            -o "-F -k $catalogue -c listen_addresses= -c max_locks_per_transaction=512 -c shared_buffers=64MB" >/dev/null
    )
    started+=("$(head -1 "$catalogue/data/postmaster.pid")")
    chmod 0755 "$catalogue" 2>/dev/null || true
    local columns table before
    columns=$(printf "c%s text not null default 'x', " {1..18})
    for table in {0..999}; do
        before=""
        [ "$table" = 0 ] || before=" references t$((table - 1))"
        echo "create table t$table (id bigint primary key, up bigint$before, ${columns%, }, check (id > 0)); create index on t$table (up);"
    done | psql -q -h "$catalogue" -U gonogo postgres
    pg_dump_program="$programs/pg_dump"
}

# Milliseconds of one call: took_ms COMMAND…
took_ms() {
    python3 - "$@" <<'PY'
import subprocess, sys, time
start = time.perf_counter()
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
print(f"{(time.perf_counter() - start) * 1000:.1f}")
PY
}

bench_schema() {
    forget
    local program round tool
    program=$(built_gonogo)
    start_catalogue
    cat >"$scratch/schema.yaml" <<EOS
gonogo: 1
name: A thousand tables
environments:
  local:
    targets:
      db: { postgres: 'host=$catalogue user=gonogo dbname=postgres' }
gates:
  schema:
    title: It is there
    checks:
      - schema: public
        expect: counts.tables == 1000
EOS
    for round in $(seq "$rounds"); do
        keep gonogo-snapshot ms "$(took_ms "$program" snapshot schema "$scratch/schema.yaml" --env local --out "$scratch/snapshot.json")"
        keep gonogo-run ms "$(took_ms "$program" run "$scratch/schema.yaml" --env local --out "$scratch/runs" --json)"
        keep pg_dump-s ms "$(took_ms "$pg_dump_program" -s -h "$catalogue" -U gonogo postgres)"
        keep psql-empty ms "$(took_ms psql -q -h "$catalogue" -U gonogo -c 'select 1' postgres)"
    done
    measured "$program" run "$scratch/schema.yaml" --env local --out "$scratch/runs" --json
    printf '\na catalogue of 1,000 tables x 20 columns, milliseconds of a whole process\n'
    for tool in gonogo-snapshot gonogo-run pg_dump-s psql-empty; do
        printf '%-18s %10s   %s of pg_dump -s\n' "$tool" "$(median $tool ms)" \
            "$(awk -v a="$(median $tool ms)" -v b="$(median pg_dump-s ms)" 'BEGIN { printf "%.2f", a / b }')"
    done
    printf 'memory of a run at its highest: %s MiB; its folder: %s; the snapshot: %s\n' "$(mib "$memory")" \
        "$(du -sh "$(find "$scratch/runs" -mindepth 1 -maxdepth 1 -type d | tail -1)" | cut -f1)" \
        "$(du -h "$scratch/snapshot.json" | cut -f1)"
    printf 'aim: a snapshot in under 2000 ms\n'
    rm -rf "$catalogue"
}
