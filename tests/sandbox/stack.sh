# shellcheck shell=bash disable=SC2034
# The sandbox's Compose project, for `up` and `down`. Sourced after common.sh.

PROJECT=$STATE/project
CONTAINERS=(authentik authentik-worker authentik-postgresql authentik-redis authentik-bot)
SERVICES=(postgresql redis authentik worker) # without the bot, which starts only when asked for
NETWORK=dockerization

# Compose with nothing of the caller's environment, which would go before .env.
compose() {
    (cd "$PROJECT" && env -i PATH="$PATH" HOME="${HOME:-/}" DOCKER_CONFIG="$DOCKER_CONFIG" \
        ${DOCKER_HOST:+DOCKER_HOST="$DOCKER_HOST"} docker compose "$@")
}

owner_of() { # CONTAINER: the folder of the Compose project that it belongs to; fails if there is no container
    docker container inspect --format '{{index .Config.Labels "com.docker.compose.project.working_dir"}}' "$1" 2>/dev/null
}

# Whatever of the sandbox is on the Engine: the stack, told by its folder, and what carries the label.
remove_stack() {
    local name id ids=()
    for name in $(docker ps --all --quiet --filter "label=com.docker.compose.project.working_dir=$PROJECT") \
        $(docker ps --all --quiet --filter "label=$LABEL=$STATE"); do
        ids+=("$name")
    done
    if ((${#ids[@]})); then
        docker rm --force --volumes "${ids[@]}" >/dev/null 2>&1 || true
        say "removed ${#ids[@]} containers"
    fi
    for id in $(docker network ls --quiet --filter "label=$LABEL=$STATE"); do
        for name in $(docker network inspect --format '{{range $id, $_ := .Containers}}{{$id}} {{end}}' "$id"); do
            docker network disconnect --force "$id" "$name" # a guest that somebody else made
        done
        docker network rm "$id" >/dev/null
    done
    for id in $(docker volume ls --quiet --filter "label=$LABEL=$STATE"); do
        docker volume rm --force "$id" >/dev/null
    done
}

# What was pulled from the sandbox's registry goes, so that the next pull is a real one again.
remove_pulled() {
    local name
    for name in $(docker image ls --filter "label=$LABEL" --filter "reference=$REGISTRY/goauthentik/*" \
        --format '{{.Repository}}:{{.Tag}}'); do
        docker image rm "$name" >/dev/null 2>&1 || true
    done
}

# The containers wrote as other users; who is not root lets a container remove it.
remove_folders() {
    rm -f "$STATE/started"
    rm -rf "$PROJECT" "$STATE/mounts" "$STATE/akbot" 2>/dev/null && return
    docker run --rm --network none --volume "$STATE:/state" --entrypoint rm "$NAMES/redis:8" \
        -rf /state/project /state/mounts /state/akbot
}
