# Asks the sidecar how it is; the shell is bash, which opens the connection itself.
exec 3<>"/dev/tcp/127.0.0.1/$PORT" || exit 1
printf 'GET /health HTTP/1.0\r\n\r\n' >&3
read -r line <&3
case $line in
  *" 200 "*) exit 0 ;;
esac
echo "$line"
exit 1
