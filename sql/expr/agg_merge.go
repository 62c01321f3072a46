package expr

import (
	"math/bits"
	"unsafe"
)

// mergeWords merges accumulators of n words that are sums of their own.
func mergeWords(n int) func(dst, src accs, at int) error {
	if n == 1 {
		return func(dst, src accs, at int) error {
			for k, d := range dst {
				*(*int64)(unsafe.Add(d, at*8)) += *(*int64)(unsafe.Add(src[k], at*8))
			}
			return nil
		}
	}
	return func(dst, src accs, at int) error {
		for k, d := range dst {
			to := unsafe.Slice((*int64)(unsafe.Add(d, at*8)), n)
			for i, x := range unsafe.Slice((*int64)(unsafe.Add(src[k], at*8)), n) {
				to[i] += x
			}
		}
		return nil
	}
}

func (s *intSum) merge(o *intSum) {
	var c uint64
	s.lo, c = bits.Add64(s.lo, o.lo, 0)
	s.hi += o.hi + int64(c)
	s.count += o.count
}

func mergeInt(dst, src accs, at int) error {
	for k, d := range dst {
		(*intSum)(unsafe.Add(d, at*8)).merge((*intSum)(unsafe.Add(src[k], at*8)))
	}
	return nil
}

func mergeSquares(dst, src accs, at int) error {
	for k, d := range dst {
		s, o := (*intSquares)(unsafe.Add(d, at*8)), (*intSquares)(unsafe.Add(src[k], at*8))
		s.sum.merge(&o.sum)
		var c uint64
		for i := range s.sq {
			s.sq[i], c = bits.Add64(s.sq[i], o.sq[i], c)
		}
	}
	return nil
}

func mergeNumeric(dst, src accs, at int) error {
	for k, d := range dst {
		s, o := (*numericSum)(unsafe.Add(d, at*8)), (*numericSum)(unsafe.Add(src[k], at*8))
		if err := s.merge(o); err != nil {
			return err
		}
	}
	return nil
}

func (s *numericSum) merge(o *numericSum) error {
	if *o == (numericSum{}) {
		return nil
	}
	if s.count == 0 && s.v == [4]uint64{} {
		s.scale = o.scale
	}
	v := o.v
	switch {
	case o.scale > s.scale:
		if !shift10(&s.v, o.scale-s.scale) {
			return errSumOverflow()
		}
		s.scale = o.scale
	case o.scale < s.scale:
		if !shift10(&v, s.scale-o.scale) {
			return errSumOverflow()
		}
	}
	s.count += o.count
	s.nan += o.nan
	s.pos += o.pos
	s.neg += o.neg
	return s.addSigned(&v)
}
