module tracking

go 1.19
