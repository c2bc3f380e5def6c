-- The generation of KEYS[1], created if need be, and the value of KEYS[2].
return { snapshot({ KEYS[1] })[1], (redis.call('MGET', KEYS[2])[1]) }
