// Package cache connects to the nodes of a PsyCache cluster.
package cache

import (
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	_ "google.golang.org/grpc/health" // For healthCheckConfig.
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"
	"google.golang.org/grpc/status"
)

// Each node answers for every key, so calls are spread over those that are there. A node that is
// about to stop says so, and gets no more calls.
//
// Without a timeout, a call waits for ever; its context may ask for less. The next try goes to
// another node. All calls can be repeated, but a set that is repeated may replace what another
// client has set since. A session lasts; each of its calls has a time of its own.
const serviceConfig = `{
	"loadBalancingConfig": [{"round_robin": {}}],
	"healthCheckConfig": {"serviceName": "psycache.v1.Cache"},
	"methodConfig": [
		{
			"name": [{"service": "psycache.v1.Cache"}],
			"timeout": "5s",
			"retryPolicy": {
				"maxAttempts": 4,
				"initialBackoff": "0.05s",
				"maxBackoff": "0.5s",
				"backoffMultiplier": 2,
				"retryableStatusCodes": ["UNAVAILABLE"]
			}
		},
		{"name": [{"service": "psycache.v1.Cache", "method": "Session"}]}
	]
}`

// Connect gives a connection to several nodes, each HOST:PORT.
func Connect(nodes ...string) (*grpc.ClientConn, error) {
	list := manual.NewBuilderWithScheme("psycache")
	var state resolver.State
	for _, node := range nodes {
		one := resolver.Endpoint{Addresses: []resolver.Address{{Addr: node}}}
		state.Endpoints = append(state.Endpoints, one)
	}
	list.InitialState(state)
	return grpc.NewClient("psycache:///nodes",
		grpc.WithResolvers(list),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultServiceConfig(serviceConfig),
		// An answer has up to 64 MiB of values. The library refuses more than 4 MiB by itself.
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(65<<20)),
		// Without this, a node that lost its power is noticed only after minutes.
		grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time:                10 * time.Second,
			Timeout:             5 * time.Second,
			PermitWithoutStream: true,
		}))
}

// Info gives the code of an error, and what a node says of it for programs. If the error is not a
// node's but this library's, there is no reason.
func Info(err error) (codes.Code, *errdetails.ErrorInfo) {
	failed := status.Convert(err)
	for _, detail := range failed.Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok {
			return failed.Code(), info
		}
	}
	return failed.Code(), &errdetails.ErrorInfo{}
}
