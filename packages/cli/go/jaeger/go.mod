// Builds github.com/jaegertracing/jaeger/cmd/all-in-one. 1.62 is the newest line all of whose modules the public proxy serves;
// docker-compose.yml runs the current one. The checksums are in go.sum.
module throughline.dev/jaeger
go 1.25.0
replace github.com/Shopify/sarama => github.com/Shopify/sarama v1.33.0
require github.com/jaegertracing/jaeger v1.62.0
