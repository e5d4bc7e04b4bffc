cat <<EOF >/etc/motd
%help
EOF
