# A hardened jumpbox around one folder, in the mount namespace it is started in: rsyslog, fail2ban and sshd, and all else
# read-only. Its log is BOX/log/auth.log, which fail2ban reads. Usage: sh jumpbox.sh BOX, which has sshd_config,
# rsyslog.conf and fail2ban/.
set -e
box=$1
mkdir -p "$box/dev" "$box/log"
: >"$box/log/auth.log"
mount --bind "$box" "$box"
mount --bind "$box/log" /var/log
# A /dev of its own, for a /dev/log of its own.
mount --rbind /dev "$box/dev"
mount -t tmpfs -o mode=755,size=64k tmpfs /dev
for node in null zero random urandom tty; do
  : >"/dev/$node"
  mount --bind "$box/dev/$node" "/dev/$node"
done
mount -o remount,bind,ro /

rsyslogd -n -iNONE -f "$box/rsyslog.conf" &
until [ -S /dev/log ]; do sleep 0.05; done
fail2ban-server -xf -c "$box/fail2ban" -s "$box/fail2ban.sock" -p "$box/fail2ban.pid" --logtarget "$box/log/fail2ban.log" start &
exec /usr/sbin/sshd -D -f "$box/sshd_config"
