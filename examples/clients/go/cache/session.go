package cache

import (
	"context"
	"sync"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "example/psycachev1"
)

// Session makes many calls at a time on one stream, which costs less than calls of their own.
// Goroutines may share it. After the stream has ended, the next call opens another.
type Session struct {
	client pb.CacheClient
	// Guards what follows, and sends on the stream.
	mutex  sync.Mutex
	stream *stream
	lastID uint64
}

type stream struct {
	pb.Cache_SessionClient
	end   context.CancelFunc
	mutex sync.Mutex
	// Nil once the stream has ended.
	waiting map[uint64]chan<- answer
}

type answer struct {
	*pb.SessionResponse
	err error
}

// NewSession opens no stream yet.
func NewSession(client pb.CacheClient) *Session {
	return &Session{client: client}
}

// Get gives a value.
func (session *Session) Get(ctx context.Context, group, key string) ([]byte, error) {
	request := &pb.SessionRequest{Call: &pb.SessionRequest_Get{Get: &pb.GetRequest{Group: group, Key: key}}}
	response, err := session.Call(ctx, request)
	if status.Code(err) == codes.Unavailable {
		// The stream ended with its node. Another goes to another node.
		response, err = session.Call(ctx, request)
	}
	return response.GetGet().GetValue(), err
}

// Call sends a request and waits for its answer, until ctx ends. It chooses the id.
func (session *Session) Call(ctx context.Context, request *pb.SessionRequest) (*pb.SessionResponse, error) {
	if deadline, ok := ctx.Deadline(); ok {
		request.TimeoutMs = uint32(max(time.Until(deadline).Milliseconds(), 1))
	}
	answered := make(chan answer, 1)
	stream, err := session.send(request, answered)
	if err != nil {
		return nil, err
	}
	select {
	case <-ctx.Done():
		stream.take(request.Id)
		return nil, status.FromContextError(ctx.Err()).Err()
	case answer := <-answered:
		return answer.SessionResponse, answer.err
	}
}

// Close ends the stream.
func (session *Session) Close() {
	session.mutex.Lock()
	defer session.mutex.Unlock()
	if session.stream != nil {
		session.stream.end()
	}
}

func (session *Session) send(request *pb.SessionRequest, answered chan<- answer) (*stream, error) {
	session.mutex.Lock()
	defer session.mutex.Unlock()
	session.lastID++
	request.Id = session.lastID
	if session.stream == nil || !session.stream.add(request.Id, answered) {
		ctx, end := context.WithCancel(context.Background())
		opened, err := session.client.Session(ctx)
		if err != nil {
			end()
			return nil, err
		}
		session.stream = &stream{
			Cache_SessionClient: opened,
			end:                 end,
			waiting:             map[uint64]chan<- answer{request.Id: answered},
		}
		go session.stream.read()
	}
	// An error ends the stream, and the reader says which.
	_ = session.stream.Send(request)
	return session.stream, nil
}

func (stream *stream) read() {
	defer stream.end()
	for {
		response, err := stream.Recv()
		if err != nil {
			stream.fail(status.Convert(err))
			return
		}
		if answered := stream.take(response.Id); answered != nil {
			answered <- answer{response, failure(response.GetFailure())}
		}
	}
}

func (stream *stream) add(id uint64, answered chan<- answer) bool {
	stream.mutex.Lock()
	defer stream.mutex.Unlock()
	if stream.waiting == nil {
		return false
	}
	stream.waiting[id] = answered
	return true
}

func (stream *stream) take(id uint64) chan<- answer {
	stream.mutex.Lock()
	defer stream.mutex.Unlock()
	answered := stream.waiting[id]
	delete(stream.waiting, id)
	return answered
}

func (stream *stream) fail(failed *status.Status) {
	stream.mutex.Lock()
	defer stream.mutex.Unlock()
	for _, answered := range stream.waiting {
		answered <- answer{err: failed.Err()}
	}
	stream.waiting = nil
}

// The error of a call, as it would be without a session.
func failure(failure *pb.Failure) error {
	if failure == nil {
		return nil
	}
	failed := status.New(codes.Code(failure.Code), failure.Message)
	info := &errdetails.ErrorInfo{Domain: "psycache", Reason: failure.Reason}
	if detailed, err := failed.WithDetails(info); err == nil {
		failed = detailed
	}
	return failed.Err()
}
