package expr

import (
	"fmt"
	"github.com/millracedb/millrace/sql/types"
	"time"
)

func defineBytes(*registry)                                                        {}
func defineTime(*registry)                                                         {}
func defineTimeOps(*registry)                                                      {}
func defineFormat(*registry)                                                       {}
func defineJSON(*registry)                                                         {}
func defineJSONBuild(*registry)                                                    {}
func defineSystem(*registry)                                                       {}
func defineAggs(*registry)                                                         {}
func defineStatAggs(*registry)                                                     {}
func defineCollectAggs(*registry)                                                  {}
func defineOrderedAggs(*registry)                                                  {}
func defineKsqlAggs(*registry)                                                     {}
func (c *compiler) compileHigher(e *Call) (node, error)                            { return nil, fmt.Errorf("x") }
func (c *checker) lambdaArguments(name string, e any) ([]Expr, error)              { return nil, fmt.Errorf("x") }
func openRow(fn *Func, ts []types.Type) RowFunc                                    { return fn.Row }
func zoneFor(env *Env, zoned bool) *time.Location                                  { return nil }
func addInterval(v int64, iv types.IntervalValue, z *time.Location) (int64, error) { return v, nil }
func momentOf(k types.Kind, v int64, zoned bool, env *Env) int64                   { return v }
