// Package otternear keeps decoded values in this process, over Otter v2, as the
// near tier of a cache: in front of a provider, or instead of one.
//
// A hit costs a look-up here and one of the key's generation: no bytes are
// copied and no codec runs. It is served under the same check as any other
// entry, so an invalidation reaches it at once, in every process that shares the
// generation store; nothing is broadcast.
//
//	near, err := otternear.New(otternear.Config[User]{MaxEntries: 100_000})
//	if err != nil {
//		return err
//	}
//	users, err := cascache.New(cascache.Options[User]{Namespace: "user", Near: near})
//
// Values are shared between all callers, who must not modify them: let V be
// something immutable, or a pointer that everybody treats as one.
package otternear
