package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
)

// chunkSize is net/http's: what is written in pieces below it is gathered, a longer piece is a chunk of its own. So a
// client of a real API server gets one event, or one item of a list, in each chunk, and so it is here.
const chunkSize = 2048

// chunks is the body of a response in chunks. Errors of the connection are told by the end, or by the next flush.
type chunks struct {
	*bufio.Writer
	writer *bufio.Writer
}

type chunk struct{ writer *bufio.Writer }

func (c chunk) Write(data []byte) (int, error) {
	fmt.Fprintf(c.writer, "%x\r\n", len(data))
	c.writer.Write(data)
	_, err := c.writer.WriteString("\r\n")
	return len(data), err
}

func begin(writer *bufio.Writer, contentType string) *chunks {
	fmt.Fprintf(writer, "HTTP/1.1 200 OK\r\nCache-Control: no-cache, private\r\nContent-Type: %s\r\nTransfer-Encoding: chunked\r\n\r\n", contentType)
	return &chunks{bufio.NewWriterSize(chunk{writer}, chunkSize), writer}
}

// flush sends what was written so far.
func (c *chunks) flush() error {
	if err := c.Flush(); err != nil {
		return err
	}
	return c.writer.Flush()
}

func (c *chunks) end() error {
	if err := c.Flush(); err != nil {
		return err
	}
	_, err := c.writer.WriteString("0\r\n\r\n")
	return err
}

func plain(writer *bufio.Writer, code int, contentType string, body []byte) error {
	fmt.Fprintf(writer, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", code, http.StatusText(code), contentType, len(body))
	_, err := writer.Write(body)
	return err
}

// status answers with a Status, as an API server refuses.
func status(writer *bufio.Writer, code int, reason, message string) error {
	body, err := json.Marshal(map[string]any{
		"kind": "Status", "apiVersion": "v1", "metadata": map[string]any{}, "status": "Failure", "message": message,
		"reason": reason, "code": code,
	})
	if err != nil {
		return err
	}
	return plain(writer, code, "application/json", body)
}
