echo "$# arguments"
