# Sourced by the other scripts: what they share, and how each can be set from outside.
set -eu
: "${SPARK_HOME:?set SPARK_HOME to a Spark installation (the directory with bin/spark-class)}"
: "${PLUMBLINE_CLUSTER:=${TMPDIR:-/tmp}/plumbline-cluster-$(id -u)}"   # logs, work files and process ids
: "${MASTER_HOST:=127.0.0.1}"
: "${MASTER_PORT:=7077}"
: "${MASTER_UI_PORT:=8080}"
umask 077
mkdir -p "$PLUMBLINE_CLUSTER"

# start NAME CLASS ARGUMENTS…: in the background, detached from the terminal.
start() {
  name=$1
  shift
  if [ -f "$PLUMBLINE_CLUSTER/$name.pid" ] && kill -0 "$(cat "$PLUMBLINE_CLUSTER/$name.pid")" 2>/dev/null; then
    echo "$name runs already (process $(cat "$PLUMBLINE_CLUSTER/$name.pid"))" >&2
    exit 1
  fi
  # spark-class replaces itself by Java, so this is the process id of the server.
  nohup "$SPARK_HOME/bin/spark-class" "$@" >"$PLUMBLINE_CLUSTER/$name.log" 2>&1 </dev/null &
  echo $! >"$PLUMBLINE_CLUSTER/$name.pid"
}

# await NAME TEXT: until the log says so, at most 60 seconds.
await() {
  left=300
  until grep -q "$2" "$PLUMBLINE_CLUSTER/$1.log" 2>/dev/null; do
    left=$((left - 1))
    if [ "$left" -eq 0 ] || ! kill -0 "$(cat "$PLUMBLINE_CLUSTER/$1.pid")" 2>/dev/null; then
      echo "$1 did not start; see $PLUMBLINE_CLUSTER/$1.log" >&2
      exit 1
    fi
    sleep 0.2
  done
}
