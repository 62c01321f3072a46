package expr

func defineFormat(*registry) {}
func defineSystem(*registry) {}
