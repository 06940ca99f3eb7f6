#!/usr/bin/env bash
# Waits for the end of its standard input, whose other end a test holds, and then ends the engine of the folder and all it has started.
#   docker-guard.sh <folder of the engine> <its parent cgroup>
dir=$1 cgroup=$2
cat >/dev/null

# Ours is a program of the engine whose command line names the folder.
of_engine() {
  for process in /proc/[0-9]*; do
    case "$(readlink "$process/exe" 2>/dev/null)" in
      */dockerd* | */containerd* | */runc* | */docker-proxy*) grep -qaF "$dir/" "$process/cmdline" 2>/dev/null && echo "${process#/proc/}" ;;
    esac
  done
}

daemon() {
  pid=$(cat "$dir/d.pid" 2>/dev/null)
  [ -n "$pid" ] && grep -qaF "$dir/" "/proc/$pid/cmdline" 2>/dev/null && echo "$pid"
}

# The processes of containers first, by their cgroup: without any the daemon has nothing to wait for.
end_containers() {
  find /sys/fs/cgroup -path "*$cgroup/*" -name cgroup.procs -exec cat {} + 2>/dev/null | sort -u | while read -r pid; do
    kill -KILL "$pid" 2>/dev/null
  done
}

pid=$(daemon)
if [ -n "$pid" ]; then
  kill -CONT "$pid" 2>/dev/null
  end_containers
  kill -TERM "$pid" 2>/dev/null
  for _ in $(seq 100); do
    [ -z "$(daemon)" ] && break
    sleep 0.05
  done
fi
for _ in $(seq 20); do
  end_containers
  left=$(of_engine)
  [ -z "$left" ] && break
  # shellcheck disable=SC2086
  kill -KILL $left 2>/dev/null
  sleep 0.05
done

# A bridge stays behind its engine. 6 characters: the folder's own.
for link in /sys/class/net/tl-"${dir##*-}"-*; do
  [ -e "$link" ] && ip link delete "${link##*/}" 2>/dev/null
done

# Innermost mounts first.
awk -v dir="$dir/" 'index($5, dir) == 1 { print $5 }' /proc/self/mountinfo | sort -r | while read -r mount; do
  umount -l "$mount"
done
find /sys/fs/cgroup -depth -type d \( -path "*$cgroup" -o -path "*$cgroup/*" \) -exec rmdir {} + 2>/dev/null
rm -rf "$dir"
