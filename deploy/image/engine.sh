# Docker or buildah, whichever is here: `build`, `has`, `inside` and `remove` for the scripts beside this one.
# ENGINE=docker|buildah chooses; buildah keeps its images where STORAGE_DRIVER says (vfs where nothing else works).

say() { printf 'image: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

if [ -z "${ENGINE:-}" ]; then
    if command -v docker >/dev/null && docker info >/dev/null 2>&1; then
        ENGINE=docker
    elif command -v buildah >/dev/null; then
        ENGINE=buildah
    else
        fail "neither a running docker nor buildah is here (Debian: apt-get install buildah)"
    fi
fi
if [ "$ENGINE" = buildah ]; then
    export BUILDAH_ISOLATION=${BUILDAH_ISOLATION:-chroot}
    if [ -z "${STORAGE_DRIVER:-}" ] && ! command buildah info >/dev/null 2>&1; then STORAGE_DRIVER=vfs; fi
fi
buildah() { command buildah ${STORAGE_DRIVER:+--storage-driver "$STORAGE_DRIVER"} "$@"; }

# build NAME FOLDER ARGUMENT…: from FOLDER, or as the arguments say.
build() {
    local name=$1 folder=$2
    shift 2
    case $ENGINE in
        docker) DOCKER_BUILDKIT=1 docker build --quiet --tag "$name" "$@" "$folder" >/dev/null ;;
        buildah) buildah build --quiet --format oci --tag "$name" "$@" "$folder" >/dev/null ;;
    esac
}

has() {
    case $ENGINE in
        docker) docker image inspect "$1" >/dev/null 2>&1 ;;
        buildah) buildah inspect --type image "$1" >/dev/null 2>&1 ;;
    esac
}

# pull NAME: false where it cannot be had.
pull() {
    case $ENGINE in
        docker) docker pull --quiet "$1" >/dev/null 2>&1 ;;
        buildah) timeout "${PULL_LIMIT:-300}" buildah ${STORAGE_DRIVER:+--storage-driver "$STORAGE_DRIVER"} pull --quiet "$1" >/dev/null 2>&1 ;;
    esac
}

# files NAME: an archive of the image's files on standard output.
files() {
    local container
    case $ENGINE in
        docker)
            container=$(docker create "$1")
            docker export "$container"
            docker rm "$container" >/dev/null
            ;;
        buildah)
            container=$(buildah from --pull-never "$1")
            if [ "$(id -u)" = 0 ]; then
                tar -C "$(buildah mount "$container")" -c .
            else
                buildah unshare sh -c 'tar -C "$(buildah ${2:+--storage-driver "$2"} mount "$1")" -c .' sh "$container" "${STORAGE_DRIVER:-}"
            fi
            buildah rm "$container" >/dev/null
            ;;
    esac
}

remove() {
    case $ENGINE in
        docker) docker image rm --force "$@" >/dev/null ;;
        buildah) buildah rmi --force "$@" >/dev/null ;;
    esac
}
