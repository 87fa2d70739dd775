# A machine of its own over this one's files, in the mount namespace it is started in: what is written stays in memory. In it
# runs the file that makes it a bastion, and then sshd. Usage: sh printed-bastion.sh BOX debian|container [SSHD_OPTION...], where
# BOX has install.sh, or run.sh (the RUN of a Containerfile) and keys/.
set -e
box=$1 kind=$2
shift 2
mkdir "$box/memory"
mount -t tmpfs -o mode=755 tmpfs "$box/memory"
mkdir "$box/memory/upper" "$box/memory/work" "$box/memory/root"
root=$box/memory/root
mount -t overlay overlay -o "lowerdir=/,upperdir=$box/memory/upper,workdir=$box/memory/work" "$root"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount --rbind /proc "$root/proc"
mount --rbind /dev "$root/dev"
# Every package is there already, and none is to be fetched.
printf "#!/bin/sh\n" >"$root/usr/bin/apt-get.new"
chmod 755 "$root/usr/bin/apt-get.new"
mv -f "$root/usr/bin/apt-get.new" "$root/usr/bin/apt-get"
echo nameserver 127.0.0.1 >"$root/etc/resolv.conf.new"
mv -f "$root/etc/resolv.conf.new" "$root/etc/resolv.conf"

if [ "$kind" = debian ]; then
  cp "$box/install.sh" "$root/tmp/install.sh"
  chroot "$root" sh /tmp/install.sh
  chroot "$root" nft -f /etc/tshuttle-bastion.nft
  exec chroot "$root" /usr/sbin/sshd -D -e "$@"
fi
chroot "$root" sh -euc "$(cat "$box/run.sh")"
cp "$box"/keys/* "$root/etc/ssh/keys/"
chown -R 10022 "$root/etc/ssh/keys"
# Of the mount alone: mount(8) of util-linux 2.41 can change no overlay.
mount -o remount,bind,ro "$root"
exec chroot "$root" setpriv --reuid=10022 --regid=10022 --clear-groups --inh-caps=-all --bounding-set=-all --no-new-privs \
  /usr/sbin/sshd -D -e "$@"
