// What a program does with a PsyCache cluster: ./run NODE,NODE,…
package main

import (
	"bufio"
	"context"
	"fmt"
	"log"
	"os"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/codes"

	"example/cache"
	pb "example/psycachev1"
)

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func get(ctx context.Context, client pb.CacheClient, group, key string) ([]byte, error) {
	response, err := client.Get(ctx, &pb.GetRequest{Group: group, Key: key})
	return response.GetValue(), err
}

func values(ctx context.Context, client pb.CacheClient) {
	fmt.Printf("get: %s\n", must(get(ctx, client, "scores", "Tom")))

	must(client.Set(ctx, &pb.SetRequest{Group: "scores", Key: "Ada", Value: []byte("1815"), TtlMs: 60_000}))
	fmt.Printf("set: %s\n", must(get(ctx, client, "scores", "Ada")))

	keys := []string{"Tom", "nobody", "Jack"}
	many := must(client.GetMany(ctx, &pb.GetManyRequest{Group: "scores", Keys: keys}))
	for place, result := range many.Results {
		if found := result.GetFound(); found != nil {
			fmt.Printf("get of many: %s %s\n", keys[place], found.Value)
		} else {
			fmt.Printf("get of many: %s %v\n", keys[place], codes.Code(result.GetFailure().Code))
		}
	}

	must(client.Set(ctx, &pb.SetRequest{Group: "scores", Key: "long", Value: make([]byte, 5<<20)}))
	fmt.Println("long value:", len(must(get(ctx, client, "scores", "long"))))

	removed := must(client.Remove(ctx, &pb.RemoveRequest{Group: "scores", Key: "Ada"}))
	fmt.Println("removed:", removed.Existed)
}

func failures(ctx context.Context, client pb.CacheClient) {
	_, err := get(ctx, client, "scores", "nobody")
	code, info := cache.Info(err)
	fmt.Println("missing key:", code, info.Reason)

	_, err = get(ctx, client, "nowhere", "Tom")
	code, info = cache.Info(err)
	fmt.Println("unknown group:", code, info.Reason, info.Metadata["group"])

	_, err = client.Set(ctx, &pb.SetRequest{Group: "scores", Key: "large", Value: make([]byte, 17<<20)})
	code, info = cache.Info(err)
	fmt.Println("large value:", code, info.Reason, info.Metadata["limit"])

	short, end := context.WithTimeout(ctx, 100*time.Millisecond)
	defer end()
	_, err = get(short, client, "slow", "Tom")
	code, _ = cache.Info(err)
	fmt.Println("deadline:", code)
}

func sumOnSession(ctx context.Context, session *cache.Session) int {
	var calls sync.WaitGroup
	scores := make([]int, 100)
	for place := range scores {
		calls.Add(1)
		go func() {
			defer calls.Done()
			key := []string{"Tom", "Jack"}[place%2]
			fmt.Sscan(string(must(session.Get(ctx, "scores", key))), &scores[place])
		}()
	}
	calls.Wait()
	sum := 0
	for _, score := range scores {
		sum += score
	}
	return sum
}

// How many gets fail until then.
func getsUntil(stopped <-chan struct{}, ctx context.Context, client pb.CacheClient) int {
	for failed := 0; ; {
		select {
		case <-stopped:
			return failed
		default:
			if _, err := get(ctx, client, "scores", "Tom"); err != nil {
				log.Print(err)
				failed++
			}
		}
	}
}

func main() {
	if len(os.Args) != 2 {
		log.Fatal("Usage: run NODE,NODE,…   for example: run 127.0.0.1:7400,127.0.0.1:7402")
	}
	connection := must(cache.Connect(strings.Split(os.Args[1], ",")...))
	defer connection.Close()
	client, ctx := pb.NewCacheClient(connection), context.Background()
	values(ctx, client)
	failures(ctx, client)
	session := cache.NewSession(client)
	defer session.Close()
	inTime, end := context.WithTimeout(ctx, 5*time.Second)
	defer end()
	fmt.Println("session:", sumOnSession(inTime, session))

	stopped, failed := make(chan struct{}), make(chan int)
	go func() { failed <- getsUntil(stopped, ctx, client) }()
	fmt.Println("Stop one of the nodes, and press Enter.")
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
	for range 200 {
		must(get(ctx, client, "scores", "Jack"))
	}
	inTime, end = context.WithTimeout(ctx, 5*time.Second)
	defer end()
	fmt.Printf("session: %s\n", must(session.Get(inTime, "scores", "Sam")))
	close(stopped)
	fmt.Println("failed gets:", <-failed)
}
