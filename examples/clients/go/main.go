// What a program does with a PsyCache cluster: ./run NODE,NODE,…
package main

import (
	"bufio"
	"context"
	"fmt"
	"log"
	"os"
	"strconv"
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

func sumOn(ctx context.Context, sessions []*cache.Session) int {
	var calls sync.WaitGroup
	scores := make([]int, 100)
	for place := range scores {
		calls.Add(1)
		go func() {
			defer calls.Done()
			key := []string{"Tom", "Jack"}[place/2%2]
			score := must(sessions[place%2].Get(ctx, "scores", key))
			scores[place] = must(strconv.Atoi(string(score)))
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
func failedUntil(stopped <-chan struct{}, get func(context.Context) ([]byte, error)) int {
	for failed := 0; ; {
		select {
		case <-stopped:
			return failed
		default:
			ctx, end := context.WithTimeout(context.Background(), 5*time.Second)
			if _, err := get(ctx); err != nil {
				log.Print(err)
				failed++
			}
			end()
		}
	}
}

func main() {
	if len(os.Args) != 2 {
		log.Fatal("Usage: run HOST:PORT,HOST:PORT,…   for example: run 127.0.0.1:7400,127.0.0.1:7402")
	}
	connection := must(cache.Connect(strings.Split(os.Args[1], ",")...))
	defer connection.Close()
	client, ctx := pb.NewCacheClient(connection), context.Background()
	values(ctx, client)
	failures(ctx, client)
	// Streams are spread like calls: these go to two nodes.
	sessions := []*cache.Session{cache.NewSession(client), cache.NewSession(client)}
	for _, session := range sessions {
		defer session.Close()
	}
	inTime, end := context.WithTimeout(ctx, 5*time.Second)
	defer end()
	fmt.Println("sessions:", sumOn(inTime, sessions))

	gets := []func(context.Context) ([]byte, error){
		func(ctx context.Context) ([]byte, error) { return get(ctx, client, "scores", "Tom") },
		func(ctx context.Context) ([]byte, error) { return sessions[0].Get(ctx, "scores", "Sam") },
		func(ctx context.Context) ([]byte, error) { return sessions[1].Get(ctx, "scores", "Sam") },
	}
	stopped, failed := make(chan struct{}), make(chan int)
	for _, get := range gets {
		go func() { failed <- failedUntil(stopped, get) }()
	}
	fmt.Println("Stop one of the nodes, and press Enter.")
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
	for range 200 {
		must(get(ctx, client, "scores", "Jack"))
	}
	inTime, end = context.WithTimeout(ctx, 5*time.Second)
	defer end()
	first, second := sessions[0], sessions[1]
	fmt.Printf("sessions: %s %s\n", must(first.Get(inTime, "scores", "Sam")), must(second.Get(inTime, "scores", "Sam")))
	close(stopped)
	fmt.Println("failed gets:", <-failed+<-failed+<-failed)
}
