package totem

// High is the highest number of a message that the ring has heard of.
func (r *Ring) High() uint32 { return r.high }
