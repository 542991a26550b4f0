# The image of proxy409, or with --target legacy that of the lossy API of examples/legacy:
#
#   docker build --build-arg VERSION=v0.1.0 -t proxy409 .
#   docker run --rm proxy409 version

FROM golang:1.26 AS build
WORKDIR /src
# The modules first, so that they are fetched anew only when go.mod changes.
COPY go.mod go.sum ./
RUN go mod download
COPY . .
# What `proxy409 version` says.
ARG VERSION=
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" \
    -o /out/ ./cmd/proxy409 ./examples/legacy/cmd/legacy-api

FROM gcr.io/distroless/static-debian12:nonroot AS legacy
COPY --from=build /out/legacy-api /legacy-api
USER 65532:65532
EXPOSE 9000
ENTRYPOINT ["/legacy-api"]
CMD ["-listen", "0.0.0.0:9000"]

# The binary is static and runs in an empty image too. distroless/static adds no shell and no libc, only what scratch lacks
# for use: the root certificates for an https:// backend and a rediss:// store, and a user's entry in /etc/passwd.
FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /out/proxy409 /proxy409
# By number, so that runAsNonRoot can be checked.
USER 65532:65532
# Clients; operators.
EXPOSE 8080 9409
# Asks 127.0.0.1:9409. Alive, not ready: a restart would help nobody through an outage of the store.
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD ["/proxy409", "healthcheck"]
ENTRYPOINT ["/proxy409"]
CMD ["serve", "--config", "/etc/proxy409/proxy409.yaml"]
