package status

// HashOrder returns the indexes of keys in the order in which GLib's table of
// strings walks over them when they were inserted in the given order. Some of
// Pacemaker's output, and one of its choices, follow that order.
func HashOrder(keys []string) []int {
	primes := [...]uint32{
		1, 2, 3, 7, 13, 31, 61, 127, 251, 509, 1021, 2039, 4093, 8191, 16381,
		32749, 65521, 131071, 262139, 524287, 1048573, 2097143, 4194301, 8388593,
	}
	shift := 3
	slots := make([]int, 8) // index of key + 1
	hashes := make([]uint32, len(keys))
	home := func(h uint32) uint32 { return (h * 11) % primes[shift] }
	used := 0
	for i, k := range keys {
		h := uint32(0)
		if len(k) > 0 {
			h = 0
			for j := 0; j < len(k); j++ {
				h = h*31 + uint32(int32(int8(k[j])))
			}
		}
		if h < 2 {
			h = 2
		}
		hashes[i] = h
		at, step := home(h), uint32(0)
		mask := uint32(len(slots) - 1)
		for slots[at] != 0 {
			step++
			at = (at + step) & mask
		}
		slots[at] = i + 1
		used++
		if len(slots) <= used+used/16 {
			// grow in place, as GLib moves its entries
			n, want := 0, int(float64(used)*1.333)
			for 1<<n <= want {
				n++
			}
			if n < 3 {
				n = 3
			}
			shift = n
			bigger := make([]int, max(1<<n, len(slots)))
			copy(bigger, slots)
			settled := make([]bool, len(bigger))
			mask = uint32(1<<n - 1)
			old := len(slots)
			slots = bigger
			for s := range old {
				if slots[s] == 0 || settled[s] {
					continue
				}
				key := slots[s]
				slots[s] = 0
				for key != 0 {
					at, step := home(hashes[key-1]), uint32(0)
					for settled[at] {
						step++
						at = (at + step) & mask
					}
					settled[at] = true
					key, slots[at] = slots[at], key
				}
			}
		}
	}
	order := make([]int, 0, len(keys))
	for _, s := range slots {
		if s != 0 {
			order = append(order, s-1)
		}
	}
	return order
}
