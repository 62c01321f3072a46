package pgwire

import "github.com/prometheus/client_golang/prometheus"

// metrics are the server's numbers.
type metrics struct {
	connections prometheus.Gauge
	bytesIn     prometheus.Counter
	bytesOut    prometheus.Counter
	messages    prometheus.Counter
	errors      *prometheus.CounterVec
	panics      prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		connections: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "millrace_sql_connections", Help: "Open connections of SQL clients."}),
		bytesIn: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "millrace_sql_received_bytes_total", Help: "Bytes received from SQL clients."}),
		bytesOut: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "millrace_sql_sent_bytes_total", Help: "Bytes sent to SQL clients."}),
		messages: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "millrace_sql_messages_total", Help: "Messages received from SQL clients."}),
		errors: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "millrace_sql_errors_total",
			Help: "Errors sent to SQL clients, by class of SQLSTATE."}, []string{"class"}),
		panics: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "millrace_sql_panics_total", Help: "Connections ended by a defect."}),
	}
	if reg != nil {
		reg.MustRegister(m.connections, m.bytesIn, m.bytesOut, m.messages, m.errors, m.panics)
	}
	return m
}
