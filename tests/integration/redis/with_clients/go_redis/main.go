// The scenario by go-redis.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

var stdin = bufio.NewReader(os.Stdin)

func ask(word string) {
	fmt.Println(word)
	_, err := stdin.ReadString('\n')
	must(err)
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func expect[T comparable](is, wanted T) {
	if is != wanted {
		panic(fmt.Sprintf("%v, not %v", is, wanted))
	}
}

func value(client *redis.Client, key string) string {
	value, err := client.Get(context.Background(), key).Result()
	must(err)
	return value
}

func main() {
	ctx := context.Background()
	first := redis.NewClient(&redis.Options{Addr: os.Getenv("FIRST"), ClientName: "scenario"})
	second := redis.NewClient(&redis.Options{Addr: os.Getenv("SECOND"), Protocol: 2})
	expect(value(first, "Tom"), "630")
	_, err := first.Get(ctx, "nobody").Result()
	expect(errors.Is(err, redis.Nil), true)
	must(first.Set(ctx, "Ada", "1815", time.Minute).Err())
	expect(value(second, "Ada"), "1815")
	must(first.MSet(ctx, "a", "1", "b", "2").Err())
	many, err := second.MGet(ctx, "a", "nobody", "b").Result()
	must(err)
	expect(fmt.Sprint(many), "[1 <nil> 2]")
	deleted, err := first.Del(ctx, "a", "b", "c").Result()
	must(err)
	expect(deleted, 2)

	commands, err := first.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for number := 0; number < 500; number++ {
			pipe.Set(ctx, fmt.Sprint("key-", number), number, 0)
		}
		for number := 0; number < 500; number++ {
			pipe.Get(ctx, fmt.Sprint("key-", number))
		}
		return nil
	})
	must(err)
	for number := 0; number < 500; number++ {
		expect(commands[500+number].(*redis.StringCmd).Val(), fmt.Sprint(number))
	}

	err = first.Incr(ctx, "Ada").Err()
	expect(strings.Contains(err.Error(), "this cache has GET"), true)

	ask("kill")
	expect(first.Get(ctx, "Tom").Err() != nil, true)
	expect(value(second, "Tom"), "630")
	ask("start")
	expect(value(first, "Tom"), "630")
	must(first.FlushDB(ctx).Err())
	fmt.Println("end")
}
