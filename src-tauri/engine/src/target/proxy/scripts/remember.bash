# Remembers the fence $NUMBER $TOKEN of environment $KEY, so that its predecessor's transactions are refused from now on.
hold
fence "$KEY" "$NUMBER" "$TOKEN" || exit 76
