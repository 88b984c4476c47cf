# shellcheck shell=bash
# What the sandbox's scripts share. Sourced, never run: paths, plain output, packages, waiting.

set -euo pipefail

SANDBOX=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
REPO=$(cd -- "$SANDBOX/../.." && pwd -P)
STATE=$SANDBOX/.state      # this run's: containers' data, pids, logs; `down` removes it
CACHE=$SANDBOX/.cache      # what is worth keeping: programs, the registry's storage
LABEL=akbot.sandbox        # on every image, network and container of the sandbox
NAMES=akbot-sandbox        # the images' repository prefix
BOT_IMAGE=$NAMES/bot:checkout
REGISTRY=127.0.0.1:5000    # the Engine takes loopback as insecure
REFUSED=3                  # exit code: something of somebody else is in the way, nothing was changed
NO_ENGINE=4                # exit code: no Docker Engine can run here
export SANDBOX REPO STATE CACHE LABEL NAMES BOT_IMAGE REGISTRY REFUSED NO_ENGINE

# The sandbox's own client and Compose come first; a user's contexts and logins stay out of it.
export PATH="$CACHE/docker/bin:$PATH"
export DOCKER_CONFIG="$CACHE/docker"
export DEBIAN_FRONTEND=noninteractive
umask 022

say() { printf 'sandbox: %s\n' "$*"; }

die() { # CODE MESSAGE...
    local code=$1
    shift
    printf 'sandbox: %s\n' "$*" >&2
    exit "$code"
}

# Run a command with its output in a log file; show the end of the log only if it fails.
quietly() { # NAME COMMAND...
    local log="$STATE/log/$1.log"
    shift
    mkdir -p "$STATE/log"
    if ! "$@" >>"$log" 2>&1 </dev/null; then
        printf 'sandbox: failed: %s\n' "$*" >&2
        tail -n 25 "$log" >&2
        return 1
    fi
}

answering() { # NAME SECONDS COMMAND...: wait until the background process answers; show its log if it does not
    local name=$1 deadline=$((SECONDS + $2))
    shift 2
    until "$@" >/dev/null 2>&1; do
        if ! alive "$name" || ((SECONDS >= deadline)); then
            tail -n 10 "$STATE/log/$name.log" >&2
            stop "$name" 10
            return 1
        fi
        sleep 0.1
    done
}

# One script of a kind at a time. Background children must not inherit the lock, nor the one of tests/run (8).
lock() { # FILE
    mkdir -p "$(dirname -- "$1")"
    exec 9>"$1"
    flock --timeout 1800 9 || die 1 "gave up waiting for the lock $1"
}

background() { # NAME COMMAND...: start a process that outlives this script, its pid recorded
    local name=$1
    shift
    mkdir -p "$STATE/log" "$STATE/pid"
    rm -f "$STATE/pid/$name"
    # It records itself before it becomes the program, so that no kill in between leaves it unrecorded.
    # A pid alone may be somebody else's by the time we stop it: its start time goes with it.
    # shellcheck disable=SC2016  # for the child to expand
    setsid bash -c 'source "$1"; record=$STATE/pid/$2
        printf "%s %s\n" "$$" "$(started "$$")" >"$record.new" && mv "$record.new" "$record"
        shift 2; exec "$@"' background "$SANDBOX/common.sh" "$name" "$@" \
        >>"$STATE/log/$name.log" 2>&1 </dev/null 8>&- 9>&- &
    local deadline=$((SECONDS + 10))
    until [[ -s $STATE/pid/$name ]]; do
        ((SECONDS < deadline)) || die 1 "cannot start $name"
        sleep 0.05
    done
}

started() { # PID: the process's start time in ticks, empty if there is none
    local stat
    stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
    stat=${stat##*) }
    awk '{print $20}' <<<"$stat"
}

alive() { # NAME: does the recorded process still run?
    local pid since
    [[ -f $STATE/pid/$1 ]] || return 1
    read -r pid since <"$STATE/pid/$1" || return 1
    [[ -n $since && $(started "$pid") == "$since" ]]
}

stop() { # NAME SECONDS: end the recorded process and wait for it
    local name=$1 pid since
    if alive "$name"; then
        read -r pid since <"$STATE/pid/$name"
        kill "$pid" 2>/dev/null || true
        local deadline=$((SECONDS + $2))
        while alive "$name"; do
            ((SECONDS < deadline)) || { kill -KILL "$pid" 2>/dev/null || true; break; }
            sleep 0.1
        done
        say "stopped $name"
    fi
    rm -f "$STATE/pid/$name"
}

# Debian packages, only those that are missing.
packages() { # PACKAGE...
    local package missing=()
    for package in "$@"; do
        [[ $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) == *"ok installed" ]] || missing+=("$package")
    done
    ((${#missing[@]})) || return 0
    [[ $(id -u) == 0 ]] || die 1 "not root, and these Debian packages are missing: ${missing[*]}"
    say "installing ${missing[*]}"
    quietly apt apt-get -q update
    quietly apt apt-get -qy install --no-install-recommends "${missing[@]}"
}

# The address that this machine's own apt reads its release from: no host name stands in this repository.
mirror() {
    local codename
    codename=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
    # shellcheck disable=SC2016  # apt's own placeholders
    apt-get indextargets --no-release-info --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
        awk -v release="$codename" '$2 == release && $3 == "main" { print $1; exit }'
}

hash_of() { # FILE-OR-FOLDER... : one hash of names, modes and contents
    (cd "$SANDBOX" && find "$@" -type f ! -path '*/__pycache__/*' -printf '%m %p\n' | LC_ALL=C sort |
        while read -r mode path; do printf '%s %s ' "$mode" "$path"; sha256sum <"$path"; done | sha256sum | cut -c1-16)
}
