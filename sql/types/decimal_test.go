package types

import "testing"

func TestDecimalSmoke(t *testing.T) {
	p := func(s string) Decimal {
		d, err := ParseDecimal(s)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	show := func(d Decimal, err error) string {
		if err != nil {
			return err.Error()
		}
		return d.String()
	}
	t.Log(show(p("1").Div(p("3"))), show(p("2").Sqrt()), show(p("1").Exp()), show(p("2").Ln()), show(p("2").Power(p("0.5"))), show(p("2").Power(p("10"))), show(p("100").Log(p("10"))))
	t.Log(show(p("123456789012345678901234567890.123").Div(p("7.77"))), show(p("1e-10").Ln()), show(p("-5.5").Exp()), show(p("1.0000001").Power(p("1000000"))))
}
